#ifdef SAME
long long convert(int number) {
  return number;
}
#else
int convert(double number) {
  return (int)number;
}
#endif
