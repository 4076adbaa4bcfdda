// A runtime of a few lines, for programs that shall not depend on any libc: the clock and the output, native or WASI.
#pragma once
#include <stdint.h>

#ifdef __wasm__
__attribute__((import_module("wasi_snapshot_preview1"), import_name("clock_time_get"))) int wasi_clock_time_get(
    uint32_t clock, uint64_t precision, uint64_t* time);
__attribute__((import_module("wasi_snapshot_preview1"), import_name("fd_write"))) int wasi_fd_write(uint32_t file,
                                                                                                    const void* buffers,
                                                                                                    uint32_t count,
                                                                                                    uint32_t* written);

static inline uint64_t nanoseconds(void) {
  uint64_t time = 0;
  wasi_clock_time_get(1, 1, &time);
  return time;
}

static inline void write_text(const char* text, uint32_t size) {
  struct {
    const char* text;
    uint32_t size;
  } buffer = {text, size};
  uint32_t written;
  wasi_fd_write(1, &buffer, 1, &written);
}

#define PROGRAM __attribute__((visibility("default"))) void _start(void)
#define PROGRAM_END
#else
#include <time.h>
#include <unistd.h>

static inline uint64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline void write_text(const char* text, uint32_t size) {
  if (write(1, text, size) < 0) {
    _exit(9);
  }
}

#define PROGRAM int main(void)
#define PROGRAM_END return 0
#endif

// Prints "name value\n".
static __attribute__((noinline)) void print_value(const char* name, uint64_t value) {
  char line[96], digits[24];
  uint32_t size = 0, count = 0;
  while (name[size] && size < 60) {
    line[size] = name[size];
    size++;
  }
  line[size++] = ' ';
  do {
    digits[count++] = (char)('0' + value % 10);
    value /= 10;
  } while (value);
  while (count) {
    line[size++] = digits[--count];
  }
  line[size++] = '\n';
  write_text(line, size);
}
