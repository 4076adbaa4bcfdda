#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define HOST(name) __attribute__((import_module("tenon_dl"), import_name(#name)))
HOST(open) int host_open(const char* name, int flags);
HOST(sym) int host_sym(int handle, const char* name);
HOST(close) int host_close(int handle);
HOST(error) int host_error(char* buffer, int size);
HOST(library) int host_library(int previous, void* record);
HOST(library_name) int host_library_name(int handle, char* buffer, int size);
HOST(symbol_at) int host_symbol_at(int address, void* record);
HOST(symbol_name) int host_symbol_name(int handle, int address, char* buffer, int size);

typedef int function(int);

int in_main(int number) {
  return number;
}

static char buffer[1000];

static void show(const char* what, int length, int size) {
  printf("%s: %d, %s, %d\n", what, length, size == 0 ? "" : buffer, size < 1000 && buffer[size] == '#');
  memset(buffer, '#', sizeof buffer - 1);
}

int main(int count, char** arguments) {
  if (count > 1) {
    const int library = host_open("liblibrary.so", 2);
    puts("now");
    fflush(stdout);
    host_open("libnowhere.so", 2);
    const int end = (int)(__builtin_wasm_memory_size(0) * 65536);
    switch (arguments[1][0]) {
      case 'l':
        host_library(0, (void*)(end - 31));
        break;
      case 's':
        host_symbol_at(host_sym(library, "value"), (void*)(end - 15));
        break;
      case 'e':
        host_error((char*)end - 2, 1000);
        break;
      case 'n':
        host_library_name(library, (char*)end - 2, 1000);
        break;
      case 'm':
        host_symbol_name(library, host_sym(library, "value"), (char*)end - 2, 1000);
        break;
    }
    puts("never");
    return 0;
  }
  memset(buffer, '#', sizeof buffer - 1);
  printf("no error: %d\n", host_error(buffer, sizeof buffer));
  const int library = host_open("liblibrary.so", 2 | 0x100);
  const int self = host_open(NULL, 1);
  printf("handles: %d%d%d%d\n", library != 0, library != -1, self != 0, self != library);
  function* const found = (function*)host_sym(library, "a_function_with_a_rather_long_name");
  printf("sym: %d %d\n", found(1), *(int*)host_sym(library, "value"));
  printf("default: %d\n", host_sym(0, "a_function_with_a_rather_long_name") == (int)found);
  printf("main: %d\n", host_sym(self, "in_main") == (int)in_main);
  printf("next: %d\n", host_sym(-1, "in_main"));

  // Records: exactly so long, and the link map begins with main.
  struct {
    uint32_t memory_base, memory_size, table_base, table_size;
    uint64_t loaded, unloaded;
    uint32_t behind;
  } record = {.behind = 0x12345678};
  printf("library: %d %d\n", host_library(0, &record) == self, record.behind == 0x12345678);
  int last = 0;
  int libraries = 0;
  for (int handle; (handle = host_library(last, &record)) != 0; last = handle) {
    ++libraries;
  }
  printf("last: %d, all: %d, of no handle: %d\n", last == library, (int)(record.loaded - record.unloaded) == libraries,
         host_library(12345, &record));
  printf("value is inside: %d\n", (uint32_t)host_sym(library, "value") - record.memory_base < record.memory_size);
  struct {
    uint32_t memory_base, symbol, table_base, is_function, behind;
  } at = {.behind = 0x12345678};
  printf("function: %d", host_symbol_at((int)found, &at) == library);
  printf(" %d %d %d", at.symbol == (uint32_t)(int)found, at.is_function, at.behind == 0x12345678);
  printf(" %d%d\n", at.memory_base == record.memory_base, at.table_base == record.table_base);
  printf("data: %d", host_symbol_at(host_sym(library, "value"), &at) == library);
  printf(" %d %d\n", at.symbol == (uint32_t)host_sym(library, "value"), at.is_function);
  printf("nothing: %d\n", host_symbol_at(0, &at));

  // Names are cut to what fits, and their whole length is told. Nothing is written behind that.
  show("name", host_library_name(library, buffer, 5), 5);
  show("no room", host_library_name(library, buffer, 0), 0);
  show("exactly", host_symbol_name(library, (int)found, buffer, 35), 35);
  show("one too short", host_symbol_name(library, (int)found, buffer, 34), 34);
  show("one byte", host_symbol_name(library, (int)found, buffer, 1), 1);
  printf("of nobody: %d %d\n", host_library_name(12345, buffer, 5), host_symbol_name(12345, (int)found, buffer, 5));

  // The error too, and then it is gone.
  printf("%d\n", host_open("libnowhere.so", 2));
  host_error(buffer, 4);
  printf("cut: %d, %d\n", (int)strlen(buffer), buffer[4] == '#');
  printf("gone: %d\n", host_error(buffer, sizeof buffer));
  printf("close: %d", host_close(library));
  printf(" %d", host_close(library));
  printf(" %d\n", host_error(buffer, sizeof buffer) > 0 && strlen(buffer) > 0);
  return 0;
}
