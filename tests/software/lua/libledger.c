#include <stdio.h>

#include "ledger.h"

int ledger_balance = 10;
static Listener listener;
static void* listener_data;

void ledger_listen(Listener new_listener, void* data) {
  listener = new_listener;
  listener_data = data;
}

void ledger_book(const char* who, int amount) {
  ledger_balance += amount;
  if (listener) {
    listener(listener_data, who, ledger_balance);
  }
}

__attribute__((destructor)) static void unload(void) {
  printf("ledger unloaded with %d\n", ledger_balance);
  fflush(stdout);
}
