// No variables in the guest's own stack: only calls are stacked.
int dive(int levels, int (*at_the_bottom)(void)) {
  if (levels == 0) {
    return at_the_bottom();
  }
  const int below = dive(levels - 1, at_the_bottom);
  __asm__ volatile("");
  return below + 1;
}
