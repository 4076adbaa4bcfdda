#include <stdarg.h>
#include <stdio.h>

int format(char* buffer, size_t size, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int length = vsnprintf(buffer, size, format, arguments);
  va_end(arguments);
  return length;
}

int format_list(char* buffer, size_t size, const char* format, va_list arguments) {
  return vsnprintf(buffer, size, format, arguments);
}

// int, long long, double, char as int, long
long long add_all(int count, ...) {
  va_list arguments;
  va_start(arguments, count);
  long long sum = va_arg(arguments, int);
  sum += va_arg(arguments, long long);
  sum += (long long)va_arg(arguments, double);
  sum += va_arg(arguments, int);
  sum += va_arg(arguments, long);
  va_end(arguments);
  return sum;
}
