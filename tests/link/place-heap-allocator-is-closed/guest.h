// Programs without libc: what they print, and what the host offers for libraries.
typedef unsigned size_t;

__attribute__((import_module("wasi_snapshot_preview1"), import_name("fd_write"))) int fd_write(int, const void*, int,
                                                                                               size_t*);
__attribute__((import_module("tenon_dl"), import_name("open"))) int dl_open(const char*, int);
__attribute__((import_module("tenon_dl"), import_name("sym"))) int dl_sym(int, const char*);
__attribute__((import_module("tenon_dl"), import_name("close"))) int dl_close(int);
__attribute__((import_module("tenon_dl"), import_name("error"))) size_t dl_error(char*, size_t);

static void print(const char* text) {
  struct {
    const char* text;
    size_t size;
  } piece = {text, 0};
  while (text[piece.size] != 0) {
    ++piece.size;
  }
  size_t written;
  fd_write(1, &piece, 1, &written);
}

static int open_and_use(const char* name, int flags) {
  static char text[2000];
  const int handle = dl_open(name, 2 | flags);
  if (handle == 0) {
    dl_error(text, sizeof text);
    print(text);
    print("\n");
    return 0;
  }
  const char* const data = (const char*)dl_sym(handle, "data");
  print(data == 0 ? "opened\n" : *data == 1 ? "opened, data whole\n" : "opened, data spoilt\n");
  return handle;
}
