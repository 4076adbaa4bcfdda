#ifdef DATA
int thing = 1;
#else
int thing(void) {
  return 1;
}
#endif
