// zlib: a megabyte of text of words, compressed at the default level and back.
#include "zlib.h"

#include <string.h>

#include "measure.h"

enum { size = 1 << 20 };

static const char* const words[] = {
    "linking",  "the", "memory",  "of", "a",  "library",    "which", "table", "is", "symbol", "and", "when",
    "instance", "it",  "address", "in", "\n", "relocation", "by",    "scope", "to", "module", "."};

static void fail(const char* what) {
  printf("error: %s\n", what);
  exit(1);
}

static void write_text(unsigned char* text) {
  unsigned state = 1, position = 0;
  while (position < size) {
    state = state * 1664525 + 1013904223;
    char word[32];
    unsigned length;
    if (state >> 28 == 0) {
      length = (unsigned)snprintf(word, sizeof word, "%u ", state >> 8 & 0xffff);
    } else {
      length = (unsigned)snprintf(word, sizeof word, "%s ", words[(state >> 16) % (sizeof words / sizeof *words)]);
    }
    for (unsigned i = 0; i < length && position < size; i++) {
      text[position++] = (unsigned char)word[i];
    }
  }
}

static long long one_round(void) {
  unsigned char *text = malloc(size), *back = malloc(size);
  write_text(text);
  uLong packed_size = compressBound(size), back_size = size;
  unsigned char* packed = malloc(packed_size);
  start_clock();
  if (compress(packed, &packed_size, text, size) != Z_OK) {
    fail("compress");
  }
  for (int i = 0; i < 5; i++) {
    if (uncompress(back, &back_size, packed, packed_size) != Z_OK) {
      fail("uncompress");
    }
  }
  stop_clock();
  if (back_size != size || memcmp(text, back, size) != 0) {
    fail("what came back differs");
  }
  long long check = (long long)packed_size << 32 | (long long)adler32(1, packed, (uInt)packed_size);
  free(text), free(back), free(packed);
  return check;
}
