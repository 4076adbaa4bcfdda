#include <dlfcn.h>
#include <stdio.h>

int callback(int number) {
  return number;
}

int main(void) {
  // Each name is asked for before anybody took the address, or after; that makes no difference.
  void* const first = dlopen("libfirst.so", RTLD_LAZY);
  void* const early = dlsym(first, "shared");
  void* const second = dlopen("libsecond.so", RTLD_LAZY);
  void* (*const address_of_shared)(void) = (void* (*)(void))dlsym(second, "address_of_shared");
  int* (*const address_of_data)(void) = (int* (*)(void))dlsym(second, "address_of_data");
  void* (*const address_of_callback)(void) = (void* (*)(void))dlsym(second, "address_of_callback");
  printf("%d", early == dlsym(first, "shared"));
  printf("%d", early == dlsym(second, "shared"));
  printf("%d", early == address_of_shared());
  printf("%d", early == *(void**)dlsym(second, "in_data"));
  printf("%d ", early == *(void**)dlsym(first, "own_pointer"));
  printf("%d", dlsym(first, "data") == (void*)address_of_data());
  printf("%d ", dlsym(first, "data") == *(void**)dlsym(second, "data_pointer"));
  printf("%d", dlsym(RTLD_DEFAULT, "callback") == (void*)callback);
  printf("%d", address_of_callback() == (void*)callback);
  printf("%d ", *(void**)dlsym(second, "callback_in_data") == (void*)callback);
  printf("%d", dlsym(RTLD_DEFAULT, "puts") == (void*)puts);
  printf("%d", dlsym(dlopen(NULL, RTLD_LAZY), "puts") == (void*)puts);
  printf("%d\n", ((int (*)(const char*))dlsym(first, "puts")) == puts);
  printf("%d\n", ((int (*)(int))early)(41));
  return 0;
}
