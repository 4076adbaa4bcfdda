int present(int number) {
  return number + 1;
}

#ifdef WHOLE
double absent(long long wide, double weight) {
  return (double)wide + weight;
}

void also_absent(void) {}
#endif
