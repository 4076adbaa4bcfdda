int comparisons;

int by_last_digit(const void* left, const void* right) {
  ++comparisons;
  return *(const int*)left % 10 - *(const int*)right % 10;
}
