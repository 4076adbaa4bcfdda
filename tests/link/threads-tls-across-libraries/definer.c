_Thread_local int shared_number = 40;
static _Thread_local int before[4] = {1, 2, 3, 4};
_Thread_local int second = 7;

int definers_number(void) {
  return shared_number + before[0] - 1;
}

int* definers_second(void) {
  return &second;
}
