#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <wchar.h>

int format(char* buffer, size_t size, const char* format, ...);
int format_list(char* buffer, size_t size, const char* format, va_list arguments);
long long add_all(int count, ...);

static int forward(char* buffer, size_t size, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int length = format_list(buffer, size, format, arguments);
  va_end(arguments);
  return length;
}

int main(void) {
  char buffer[200];
  int stored = 0;
  printf("%d %i %u %o %x %X %#x %c %s %%\n", -1, 2, 3u, 8, 255, 255, 255, 'c', "text");
  printf("%hhd %hd %ld %lld %jd %zu %td\n", (signed char)-128, (short)-32768, 2147483647L, INT64_MIN, INTMAX_MAX,
         (size_t)4294967295u, (ptrdiff_t)-5);
  printf("%f %.3f %e %g %G %a\n", 1.5, 2.0 / 3, 12345.678, 0.0001, 1e-10, 1.0);
  printf("[%5d] [%-5d] [%05d] [%+d] [% d] [%.3s] [%*d] [%-*s]\n", 42, 42, 42, 42, 42, "abcdef", 6, 7, 4, "x");
  printf("%s%n\n", "twelve chars", &stored);
  printf("%d %.0f %g %g\n", stored, 2.5, 1e300 * 1e300, -(1e300 * 1e300));
  printf("%lc %ls\n", (wint_t)'w', L"wide");
  printf("%p\n", (void*)16);
  printf("%2$s %1$s\n", "first", "second");
  int length = format(buffer, sizeof buffer, "%d %s %.1f %lld", 1, "from main", 2.5, 1LL << 40);
  printf("%d %s\n", length, buffer);
  length = forward(buffer, 8, "%s %d", "cut off", 12345);
  printf("%d %s\n", length, buffer);
  printf("%lld\n", add_all(5, 1, 2LL << 32, 3.0, (char)4, 5L));
  int number;
  double weight;
  char word[10];
  printf("%d\n", sscanf("12 apples 3.5", "%d %9s %lf", &number, word, &weight));
  printf("%d %s %.2f\n", number, word, weight);
  return 0;
}
