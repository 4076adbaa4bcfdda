#include "guest.h"

enum { global = 0x100 };

static void fill(char* data, char value) {
  for (int i = 0; i < 5000; ++i) {
    data[i] = value;
  }
}

void _start(void) {
  const int heap = open_and_use("libheap.so", global);
  const int library = open_and_use("liblibrary.so", 0);
  char* const data = (char*)dl_sym(library, "data");
  fill(data, 5);
  print(dl_close(heap) == 0 ? "the allocator is closed\n" : "it is not\n");
  // Nobody else gets what it gave.
  const int second = open_and_use("libsecond.so", 0);
  fill((char*)dl_sym(second, "data"), 6);
  int whole = 0;
  for (int i = 0; i < 5000; ++i) {
    whole += data[i] == 5;
  }
  print(whole == 5000 ? "whole\n" : "spoilt\n");
  print(dl_close(library) == 0 && dl_close(second) == 0 ? "closed\n" : "not closed\n");
  // Another one is another heap.
  open_and_use("libheap2.so", global);
  open_and_use("liblibrary.so", 0);
}
