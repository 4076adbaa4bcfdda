#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int quiet(int);
int unused(void);
int data(void);
int loud(void);
int address(int);
extern int shared_value;

static int (*pointer)(int) = address;

int main(int count, char** arguments) {
  puts("main starts");
  shared_value += 1;
  printf("data %d\n", data());
  printf("quiet %d %d\n", quiet(2), quiet(3));
  printf("loud %d\n", loud());
  printf("by pointer %d\n", pointer(4));
  printf("same address %d\n", pointer == (int (*)(int))dlsym(RTLD_DEFAULT, "address"));
  if (count > 1 && strcmp(arguments[1], "use") == 0) {
    printf("unused %d\n", unused());
  }
  return 0;
}
