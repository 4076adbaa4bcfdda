// Many threads that open, call and close libraries and spawn threads, at random. Arguments: seed, seconds, threads.
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { libraries = 24, held = 4, most_threads = 64 };

typedef int checker(intptr_t thread);
typedef int stayer(intptr_t thread, void (*function)(void*), void* argument);

struct Handle {
  void* handle;
  int library;
};

struct Worker {
  pthread_t thread;
  intptr_t number;  // of this thread, which no other one has had
  uint64_t random;
  struct Handle open[held];
  unsigned operations;
  unsigned depth;
};

static uint64_t seed;
static time_t until;
static _Atomic intptr_t last_number;
static _Atomic uint64_t all_operations;
static _Atomic int short_lived;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static uint64_t guarded[2];  // always the same
static pthread_key_t key;
static _Atomic int key_values;
static _Thread_local struct Worker* current;

#define CHECK(condition) ((condition) ? (void)0 : failed(__LINE__, #condition, 0))

static _Noreturn void failed(int line, const char* what, int detail) {
  fprintf(stderr, "seed %llu, thread %d, operation %u: main.c:%d: %s (%d)\n", (unsigned long long)seed,
          current == NULL ? 0 : (int)current->number, current == NULL ? 0 : current->operations, line, what, detail);
  _Exit(1);
}

static uint32_t next(struct Worker* worker, uint32_t below) {
  worker->random = worker->random * 6364136223846793005 + 1442695040888963407;
  return (uint32_t)((worker->random >> 33) % below);
}

static void nap(struct Worker* worker) {
  nanosleep(&(struct timespec){.tv_nsec = next(worker, 300000)}, NULL);
}

static void check_library(struct Worker* worker, const struct Handle* open) {
  checker* const check = (checker*)dlsym(open->handle, "check");
  CHECK(check != NULL);
  const int line = check(worker->number);
  if (line != 0) {
    failed(line, "this line of library.c", open->library);
  }
}

// ---- Operations -----------------------------------------------------------------------------------------------------

static void open_one(struct Worker* worker, struct Handle* open) {
  char name[24];
  open->library = (int)next(worker, libraries);
  sprintf(name, "lib%d.so", open->library);
  open->handle = dlopen(name, next(worker, 2) != 0 ? RTLD_NOW : RTLD_LAZY);
  if (open->handle == NULL) {
    failed(__LINE__, dlerror(), open->library);
  }
  check_library(worker, open);
}

static void close_one(struct Handle* open) {
  void* const handle = open->handle;
  open->handle = NULL;
  CHECK(dlclose(handle) == 0);
}

static void look_up(struct Worker* worker, const struct Handle* open) {
  char name[24];
  sprintf(name, "get%d", open->library);
  int (*const get)(void) = (int (*)(void))dlsym(open->handle, name);
  CHECK(get != NULL && get() == open->library);
  const int* const own = dlsym(open->handle, "own");
  CHECK(own != NULL && *own == open->library);
  Dl_info info;
  CHECK(dladdr((void*)get, &info) != 0 && info.dli_sname != NULL && strcmp(info.dli_sname, name) == 0);
  CHECK(dlsym(open->handle, "absent") == NULL && strstr(dlerror(), "absent") != NULL);
  CHECK((*(int (**)(int))dlsym(open->handle, "pointer"))(7) == 21 + open->library);
}

static void operate(struct Worker* worker);

struct Stay {
  struct Worker* worker;
  struct Handle* to_close;
};

// Inside of a call into a library: closes it, or another one, or goes on as ever.
static void inside(void* argument) {
  const struct Stay* const stay = argument;
  if (stay->to_close != NULL && stay->to_close->handle != NULL) {
    close_one(stay->to_close);
  }
  if (next(stay->worker, 2) != 0) {
    nap(stay->worker);
  }
  if (stay->worker->depth < 3) {
    ++stay->worker->depth;
    operate(stay->worker);
    --stay->worker->depth;
  }
}

static void stay_inside(struct Worker* worker, struct Handle* open) {
  stayer* const function = (stayer*)dlsym(open->handle, "stay");
  CHECK(function != NULL);
  struct Stay stay = {worker, next(worker, 2) != 0 ? open : NULL};
  const int library = open->library;
  const int line = function(worker->number, inside, &stay);
  if (line != 0) {
    failed(line, "this line of library.c, when it came back", library);
  }
}

static void begin(struct Worker* worker, struct Worker* parent) {
  worker->number = atomic_fetch_add(&last_number, 1) + 1;
  worker->random = parent == NULL ? seed * 1000003 + (uint64_t)worker->number : parent->random ^ next(parent, 1 << 30);
}

static void start(struct Worker* worker) {
  current = worker;
  atomic_fetch_add(&key_values, 1);
  CHECK(pthread_setspecific(key, worker) == 0);
}

static void close_all(struct Worker* worker) {
  for (int i = 0; i < held; ++i) {
    if (worker->open[i].handle != NULL) {
      close_one(&worker->open[i]);
    }
  }
  atomic_fetch_add(&all_operations, worker->operations);
}

static void* run_short_lived(void* argument) {
  struct Worker* const worker = argument;
  start(worker);
  for (uint32_t count = next(worker, 12); count > 0; --count) {
    operate(worker);
  }
  close_all(worker);
  return worker;
}

static void spawn(struct Worker* parent) {
  if (atomic_fetch_add(&short_lived, 1) < 16) {
    struct Worker* const worker = calloc(1, sizeof *worker);
    CHECK(worker != NULL);
    begin(worker, parent);
    worker->depth = 2;
    CHECK(pthread_create(&worker->thread, NULL, run_short_lived, worker) == 0);
    void* result;
    CHECK(pthread_join(worker->thread, &result) == 0 && result == worker);
    free(worker);
  }
  atomic_fetch_sub(&short_lived, 1);
}

static void fail_to_open(struct Worker* worker) {
  char name[24];
  sprintf(name, "libabsent%d.so", (int)next(worker, 100));
  CHECK(dlopen(name, RTLD_NOW) == NULL);
  const char* error = dlerror();
  CHECK(error != NULL && strstr(error, name) != NULL && dlerror() == NULL);
  CHECK(dlopen("libbroken.so", RTLD_NOW) == NULL);
  error = dlerror();
  if (error == NULL || strstr(error, "no_such_data") == NULL) {
    failed(__LINE__, error == NULL ? "no error" : error, 0);
  }
}

static void use_memory(struct Worker* worker) {
  const size_t size = next(worker, 20000) + 1;
  unsigned char* const block = malloc(size);
  CHECK(block != NULL);
  const int value = (int)next(worker, 256);
  memset(block, value, size);
  nap(worker);
  CHECK(block[0] == value && block[size / 2] == value && block[size - 1] == value);
  free(block);
}

static void lock(struct Worker* worker) {
  CHECK(pthread_mutex_lock(&mutex) == 0);
  CHECK(guarded[0] == guarded[1]);
  guarded[0] = worker->random;
  sched_yield();
  guarded[1] = worker->random;
  CHECK(pthread_mutex_unlock(&mutex) == 0);
}

static int count_library(struct dl_phdr_info* info, size_t size, void* count) {
  ++*(int*)count;
  return info->dlpi_name == NULL;
}

static void walk(void) {
  int count = 0;
  CHECK(dl_iterate_phdr(count_library, &count) == 0 && count >= 3);
}

static void operate(struct Worker* worker) {
  ++worker->operations;
  struct Handle* const open = &worker->open[next(worker, held)];
  switch (next(worker, 16)) {
    case 0:
      spawn(worker);
      break;
    case 1:
      fail_to_open(worker);
      break;
    case 2:
      use_memory(worker);
      break;
    case 3:
      lock(worker);
      break;
    case 4:
      walk();
      break;
    default:
      if (open->handle == NULL) {
        struct Handle opened;
        open_one(worker, &opened);  // its constructor may not, but an outer call may have filled `open` meanwhile
        *open = opened;
        break;
      }
      switch (next(worker, 4)) {
        case 0:
          close_one(open);
          break;
        case 1:
          look_up(worker, open);
          break;
        case 2:
          stay_inside(worker, open);
          break;
        default:
          check_library(worker, open);
          break;
      }
      break;
  }
}

static void* run(void* argument) {
  struct Worker* const worker = argument;
  start(worker);
  while (time(NULL) < until) {
    operate(worker);
  }
  close_all(worker);
  return NULL;
}

static void end_key(void* value) {
  if (value != current) {
    failed(__LINE__, "a key's destructor has its thread's value", 0);
  }
  atomic_fetch_sub(&key_values, 1);
}

int main(int count, char** arguments) {
  if (count != 4) {
    fprintf(stderr, "usage: main.wasm SEED SECONDS THREADS\n");
    return 2;
  }
  seed = strtoull(arguments[1], NULL, 10);
  until = time(NULL) + atoi(arguments[2]);
  const int threads = atoi(arguments[3]);
  static struct Worker workers[most_threads];
  CHECK(threads >= 1 && threads <= most_threads);
  CHECK(pthread_key_create(&key, end_key) == 0);
  for (int i = 0; i < threads; ++i) {
    begin(&workers[i], NULL);
    CHECK(pthread_create(&workers[i].thread, NULL, run, &workers[i]) == 0);
  }
  for (int i = 0; i < threads; ++i) {
    CHECK(pthread_join(workers[i].thread, NULL) == 0);
  }
  CHECK(key_values == 0);
  for (int i = 0; i < libraries; ++i) {
    char name[24];
    sprintf(name, "lib%d.so", i);
    CHECK(dlopen(name, RTLD_NOW | RTLD_NOLOAD) == NULL);
  }
  printf("%llu operations in %d threads, %d pages\n", (unsigned long long)all_operations, (int)last_number,
         (int)__builtin_wasm_memory_size(0));
  return 0;
}
