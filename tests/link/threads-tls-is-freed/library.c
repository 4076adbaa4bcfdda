static _Thread_local char block[20000] = {4};

int use(int argument) {
  block[10000 + argument] = 1;
  const int sum = block[0] + block[10000 + argument] + block[19999];
  block[10000 + argument] = 0;
  return sum;
}
