#ifndef STEP
#define STEP 1
#endif

int step(int state) {
  return state + STEP;
}
