#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <threads.h>
#include <time.h>

#include "with-threads.h"

static struct timespec soon(int milliseconds) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  now.tv_nsec += milliseconds * 1000000;
  now.tv_sec += now.tv_nsec / 1000000000;
  now.tv_nsec %= 1000000000;
  return now;
}

// ---- Creation -------------------------------------------------------------------------------------------------------

static void* twice(void* argument) {
  return (void*)(2 * (intptr_t)argument);
}

static _Atomic int32_t detached;

static void* set_detached(void* argument) {
  CHECK(pthread_detach(pthread_self()) == 0);
  set_and_wake(&detached, 1);
  return NULL;
}

static void* equal_self(void* other) {
  return (void*)(intptr_t)pthread_equal(pthread_self(), *(pthread_t*)other);
}

static void creation(void) {
  CHECK(in_threads(8, twice) == 2 * 28);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, set_detached, NULL) == 0);
  wait_while(&detached, 0);
  pthread_t self = pthread_self();
  void* result;
  CHECK(pthread_create(&thread, NULL, equal_self, &self) == 0);
  CHECK(pthread_join(thread, &result) == 0 && result == NULL);
  pthread_attr_t attributes;
  CHECK(pthread_attr_init(&attributes) == 0 && pthread_attr_setstacksize(&attributes, 65536) == 0);
  CHECK(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_JOINABLE) == 0);
  CHECK(pthread_create(&thread, &attributes, twice, (void*)21) == 0);
  CHECK(pthread_join(thread, &result) == 0 && result == (void*)42);
  puts("creation");
}

// ---- Mutexes --------------------------------------------------------------------------------------------------------

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int counter;

static void* count_up(void* argument) {
  for (int i = 0; i < 1000; ++i) {
    pthread_mutex_lock(&mutex);
    ++counter;
    pthread_mutex_unlock(&mutex);
  }
  return NULL;
}

static pthread_mutex_t typed;

static void* try_typed(void* argument) {
  const struct timespec until = soon(5);
  CHECK(pthread_mutex_timedlock(&typed, &until) == ETIMEDOUT);
  CHECK(pthread_mutex_unlock(&typed) == EPERM);
  return (void*)(intptr_t)pthread_mutex_trylock(&typed);
}

static void make_typed(int type) {
  pthread_mutexattr_t attributes;
  CHECK(pthread_mutexattr_init(&attributes) == 0 && pthread_mutexattr_settype(&attributes, type) == 0);
  CHECK(pthread_mutex_init(&typed, &attributes) == 0);
}

static void mutexes(void) {
  in_threads(8, count_up);
  CHECK(counter == 8000);
  make_typed(PTHREAD_MUTEX_RECURSIVE);
  CHECK(pthread_mutex_lock(&typed) == 0 && pthread_mutex_lock(&typed) == 0);
  CHECK(in_threads(1, try_typed) == EBUSY);
  CHECK(pthread_mutex_unlock(&typed) == 0);
  CHECK(in_threads(1, try_typed) == EBUSY);
  CHECK(pthread_mutex_unlock(&typed) == 0);
  make_typed(PTHREAD_MUTEX_ERRORCHECK);
  CHECK(pthread_mutex_lock(&typed) == 0 && pthread_mutex_lock(&typed) == EDEADLK);
  CHECK(in_threads(1, try_typed) == EBUSY);
  CHECK(pthread_mutex_unlock(&typed) == 0 && pthread_mutex_unlock(&typed) == EPERM);
  puts("mutexes");
}

// ---- Conditions, locks, barriers, once, semaphores ------------------------------------------------------------------

static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int queue[4], length;

static void* produce(void* argument) {
  for (int i = 1; i <= 100; ++i) {
    pthread_mutex_lock(&mutex);
    while (length == 4) {
      pthread_cond_wait(&condition, &mutex);
    }
    queue[length++] = i;
    pthread_cond_broadcast(&condition);
    pthread_mutex_unlock(&mutex);
  }
  return NULL;
}

static void* consume(void* argument) {
  intptr_t sum = 0;
  for (int i = 0; i < 100; ++i) {
    pthread_mutex_lock(&mutex);
    while (length == 0) {
      pthread_cond_wait(&condition, &mutex);
    }
    sum += queue[--length];
    pthread_cond_broadcast(&condition);
    pthread_mutex_unlock(&mutex);
  }
  return (void*)sum;
}

static void* produce_or_consume(void* argument) {
  return (intptr_t)argument % 2 ? produce(NULL) : consume(NULL);
}

static void conditions(void) {
  CHECK(in_threads(6, produce_or_consume) == 3 * 5050);
  pthread_mutex_lock(&mutex);
  const struct timespec until = soon(10);
  CHECK(pthread_cond_timedwait(&condition, &mutex, &until) == ETIMEDOUT);
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  CHECK(now.tv_sec > until.tv_sec || (now.tv_sec == until.tv_sec && now.tv_nsec >= until.tv_nsec));
  pthread_mutex_unlock(&mutex);
  puts("conditions");
}

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static int both[2];

static void* read_or_write(void* argument) {
  for (int i = 0; i < 200; ++i) {
    if (i % 10 == (intptr_t)argument) {
      CHECK(pthread_rwlock_wrlock(&lock) == 0);
      ++both[0];
      ++both[1];
    } else {
      CHECK(pthread_rwlock_rdlock(&lock) == 0);
      CHECK(both[0] == both[1]);
    }
    CHECK(pthread_rwlock_unlock(&lock) == 0);
  }
  return NULL;
}

static pthread_barrier_t barrier;
static _Atomic int arrived;

static void* meet(void* argument) {
  intptr_t serial = 0;
  for (int i = 1; i <= 50; ++i) {
    ++arrived;
    serial += pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD;
    CHECK(arrived == 6 * i);
    pthread_barrier_wait(&barrier);
  }
  return (void*)serial;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int times;

static void do_once(void) {
  thrd_yield();
  ++times;
}

static void* all_once(void* argument) {
  CHECK(pthread_once(&once, do_once) == 0);
  return (void*)(intptr_t)times;
}

static sem_t free_places, filled;
static _Atomic int inside, most;

static void* pass_semaphore(void* argument) {
  for (int i = 0; i < 30; ++i) {
    CHECK(sem_wait(&free_places) == 0);
    const int now = ++inside;
    CHECK(now <= 3);
    thrd_yield();
    --inside;
    CHECK(sem_post(&free_places) == 0);
  }
  CHECK(sem_post(&filled) == 0);
  return NULL;
}

static void others(void) {
  in_threads(6, read_or_write);
  CHECK(both[0] == 6 * 20 && pthread_rwlock_tryrdlock(&lock) == 0 && pthread_rwlock_trywrlock(&lock) == EBUSY);
  pthread_barrier_init(&barrier, NULL, 6);
  CHECK(in_threads(6, meet) == 50);
  CHECK(in_threads(6, all_once) == 6 && times == 1);
  CHECK(sem_init(&free_places, 0, 3) == 0 && sem_init(&filled, 0, 0) == 0);
  in_threads(6, pass_semaphore);
  int value;
  CHECK(sem_getvalue(&filled, &value) == 0 && value == 6);
  const struct timespec until = soon(5);
  for (int i = 0; i < 6; ++i) {
    CHECK(sem_trywait(&filled) == 0);
  }
  CHECK(sem_trywait(&filled) == -1 && errno == EAGAIN);
  CHECK(sem_timedwait(&filled, &until) == -1 && errno == ETIMEDOUT);
  puts("locks, barriers, once, semaphores");
}

// ---- Keys, cancellation, exit ---------------------------------------------------------------------------------------

static pthread_key_t key, other_key;
static _Atomic int ended;

static void end_value(void* value) {
  ended += (int)(intptr_t)value;
  if (value == (void*)100) {
    pthread_setspecific(other_key, (void*)1000);  // comes in the next round
  }
}

static void* set_keys(void* argument) {
  CHECK(pthread_getspecific(key) == NULL);
  CHECK(pthread_setspecific(key, (char*)argument + 1) == 0);
  thrd_yield();
  CHECK(pthread_getspecific(key) == (char*)argument + 1);
  return NULL;
}

static void* set_hundred(void* argument) {
  pthread_setspecific(key, (void*)100);
  return NULL;
}

static void clean(void* argument) {
  *(int*)argument += 1;
}

static void unlock(void* locked) {
  pthread_mutex_unlock(locked);
}

static int cleaned;
static sem_t ready;

static void* wait_cancelled(void* argument) {
  pthread_cleanup_push(clean, &cleaned);
  pthread_setspecific(key, (void*)1);
  switch ((intptr_t)argument) {
    case 0:
      sem_post(&ready);
      for (;;) {
        pthread_testcancel();
      }
    case 1:
      pthread_mutex_lock(&mutex);
      pthread_cleanup_push(unlock, &mutex);
      sem_post(&ready);
      for (;;) {
        pthread_cond_wait(&condition, &mutex);
      }
      pthread_cleanup_pop(0);
    case 2: {
      int before;
      pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
      sem_post(&ready);
      sem_t never;
      sem_init(&never, 0, 0);
      const struct timespec until = soon(10);
      CHECK(sem_timedwait(&never, &until) == -1 && errno == ETIMEDOUT);  // not yet
      pthread_setcancelstate(before, NULL);
      sem_wait(&never);
    }
  }
  pthread_cleanup_pop(0);
  return NULL;
}

static void cancellation(void) {
  CHECK(sem_init(&ready, 0, 0) == 0);
  for (int how = 0; how < 3; ++how) {
    pthread_t thread;
    void* result;
    CHECK(pthread_create(&thread, NULL, wait_cancelled, (void*)(intptr_t)how) == 0);
    sem_wait(&ready);
    CHECK(pthread_cancel(thread) == 0);
    CHECK(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
    CHECK(cleaned == how + 1);
  }
  CHECK(pthread_mutex_trylock(&mutex) == 0);
  pthread_mutex_unlock(&mutex);
  puts("cancellation");
}

static int exit_deep(int depth) {
  if (depth == 0) {
    pthread_exit((void*)77);
  }
  return exit_deep(depth - 1) + 1;
}

static void* exit_nested(void* argument) {
  pthread_cleanup_push(clean, &cleaned);
  exit_deep(20);
  pthread_cleanup_pop(0);
  return NULL;
}

static void keys_and_exit(void) {
  CHECK(pthread_key_create(&key, end_value) == 0 && pthread_key_create(&other_key, end_value) == 0);
  in_threads(4, set_keys);
  CHECK(ended == 1 + 2 + 3 + 4);
  in_threads(1, set_hundred);
  CHECK(ended == 10 + 1100);
  puts("keys");
  cancellation();
  CHECK(ended == 1110 + 3);
  cleaned = 0;
  CHECK(in_threads(5, exit_nested) == 5 * 77 && cleaned == 5);
  puts("exit");
}

// ---- C11 ------------------------------------------------------------------------------------------------------------

static mtx_t c11_mutex;
static cnd_t c11_condition;
static tss_t c11_key;
static int c11_count;

static int c11_run(void* argument) {
  CHECK(tss_set(c11_key, argument) == thrd_success);
  CHECK(mtx_lock(&c11_mutex) == thrd_success);
  ++c11_count;
  CHECK(cnd_broadcast(&c11_condition) == thrd_success);
  while (c11_count < 4) {
    CHECK(cnd_wait(&c11_condition, &c11_mutex) == thrd_success);
  }
  CHECK(mtx_unlock(&c11_mutex) == thrd_success);
  if (tss_get(c11_key) == (void*)3) {
    thrd_exit(-3);
  }
  return (int)(intptr_t)argument;
}

static void c11(void) {
  CHECK(mtx_init(&c11_mutex, mtx_plain) == thrd_success && cnd_init(&c11_condition) == thrd_success);
  CHECK(tss_create(&c11_key, NULL) == thrd_success);
  thrd_t all[4];
  int sum = 0;
  for (int i = 0; i < 4; ++i) {
    CHECK(thrd_create(&all[i], c11_run, (void*)(intptr_t)i) == thrd_success);
  }
  for (int i = 0; i < 4; ++i) {
    int result;
    CHECK(thrd_join(all[i], &result) == thrd_success);
    sum += result;
  }
  CHECK(sum == 0 + 1 + 2 - 3);
  puts("C11");
}

int main(void) {
  creation();
  mutexes();
  conditions();
  others();
  keys_and_exit();
  c11();
  return 0;
}
