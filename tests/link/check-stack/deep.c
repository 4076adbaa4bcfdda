int deep(int levels) {
  volatile char frame[1000];
  frame[0] = 1;
  return levels == 0 ? 0 : frame[0] + deep(levels - 1);
}
