// A library that two modules share.
#pragma once

extern int ledger_balance;
void ledger_book(const char* who, int amount);
typedef void (*Listener)(void* data, const char* who, int balance);
void ledger_listen(Listener listener, void* data);
