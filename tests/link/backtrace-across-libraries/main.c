#include <stdio.h>
#include <string.h>

typedef int callback(const char* how);

int through_library(callback* call, const char* how);
int (*wrong_signature(void))(int);

static volatile int zero;
static volatile int numbers[4];

__attribute__((noinline)) static int fail(const char* how) {
  if (strcmp(how, "unreachable") == 0) {
    __builtin_trap();
  } else if (strcmp(how, "bounds") == 0) {
    volatile int* far = (int*)0xfffffff0;
    return *far;
  } else if (strcmp(how, "division") == 0) {
    return numbers[0] / zero;
  } else if (strcmp(how, "overflow") == 0) {
    return (-2147483647 - 1) / (zero - 1);
  } else if (strcmp(how, "conversion") == 0) {
    // The compiler's own conversions saturate.
    float not_a_number = __builtin_nanf("");
    int result;
    __asm__("local.get %1\n i32.trunc_f32_s\n local.set %0" : "=r"(result) : "r"(not_a_number));
    return result;
  } else if (strcmp(how, "null") == 0) {
    int (*volatile pointer)(void) = 0;
    return pointer();
  } else if (strcmp(how, "stray") == 0) {
    int (*volatile pointer)(void) = (int (*)(void))0x7fffffff;
    return pointer();
  } else if (strcmp(how, "signature") == 0) {
    return wrong_signature()(numbers[0]);
  } else if (strcmp(how, "fill") == 0) {
    memset((void*)0xffff0000, 1, 0x20000);
  }
  return 0;
}

int main(int count, char** arguments) {
  puts("main runs");
  fflush(stdout);
  return through_library(fail, arguments[1]);
}
