#include <dlfcn.h>
#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <future>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "shared.h"

static void check(bool condition, int line) {
  if (!condition) {
    fprintf(stderr, "main.cpp:%d: this does not hold\n", line);
    std::_Exit(1);
  }
}

#define CHECK(condition) check(condition, __LINE__)

// The notes of one thread are main's, who gives it room: they outlive the thread.
static thread_local std::string* notes;

void note(const std::string& what) {
  if (notes != nullptr) {
    *notes += what + " ";
  }
}

static thread_local Noted mains("main's");
static pthread_key_t key;

static void end_key(void* value) {
  note("key");
}

static std::string notes_of(void (*function)()) {
  std::string room;
  std::thread thread([&] {
    notes = &room;
    function();
    note("end");
  });
  thread.join();
  return room;
}

static void use_all() {
  pthread_setspecific(key, notes);
  CHECK(++mains.uses == 1);
  CHECK(use_library() == 2);
  CHECK(use_library() == 4);
}

static void* handle;

static void use_opened() {
  handle = dlopen("libopened.so", RTLD_NOW);
  CHECK(handle != nullptr);
  auto* const function = reinterpret_cast<int (*)()>(dlsym(handle, "use_opened"));
  CHECK(function() == 1);
  CHECK(dlclose(handle) == 0);
  // Stays for what has to be destroyed.
  CHECK(dlopen("libopened.so", RTLD_NOW | RTLD_NOLOAD) == handle);
  CHECK(dlclose(handle) == 0);
  CHECK(function() == 2);
}

static void thread_locals() {
  CHECK(pthread_key_create(&key, end_key) == 0);
  const std::string expected =
      "+main's +library's first +library's second end -library's second -library's first -main's key ";
  for (int i = 0; i < 3; ++i) {
    const std::string found = notes_of(use_all);
    if (found != expected) {
      puts(found.c_str());
    }
  }
  CHECK(notes_of(use_opened) == "+opened's end -opened's ");
  // As with glibc, it goes when something is closed the next time.
  CHECK(dlopen("libopened.so", RTLD_NOW | RTLD_NOLOAD) == handle);
  CHECK(dlclose(handle) == 0);
  CHECK(dlopen("libopened.so", RTLD_NOW | RTLD_NOLOAD) == nullptr);
  puts("thread_local");
}

static void exceptions() {
  std::atomic<int> sum = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 50; ++round) {
        try {
          throw_from_library(i);
        } catch (const LibraryError& error) {
          sum += error.number;
        }
        sum += call_and_catch(throw_from_library, i) - i;
        sum += call_and_catch([](int number) { throw std::string(number, 'x'); }, i) - i;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  CHECK(sum == 50 * (28 + 8));
  // From one thread to another.
  auto future = std::async(std::launch::async, []() -> int {
    throw_from_library(9);
    return 0;
  });
  try {
    future.get();
    CHECK(false);
  } catch (const LibraryError& error) {
    CHECK(error.number == 9);
  }
  puts("exceptions");
}

static void the_rest() {
  std::once_flag once;
  std::mutex mutex;
  std::condition_variable condition;
  int calls = 0, arrived = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&] {
      try {
        std::call_once(once, [&] {
          if (++calls < 3) {
            throw std::runtime_error("once more");
          }
        });
      } catch (const std::runtime_error&) {
      }
      std::unique_lock lock(mutex);
      ++arrived;
      condition.notify_all();
      condition.wait(lock, [&] { return arrived == 6; });
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  CHECK(calls == 3);
  std::promise<std::string> promise;
  std::thread thread([&] { promise.set_value("promised"); });
  CHECK(promise.get_future().get() == "promised");
  thread.join();
  puts("std::thread and others");
}

int main() {
  thread_locals();
  exceptions();
  the_rest();
}
