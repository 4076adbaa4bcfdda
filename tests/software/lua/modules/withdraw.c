#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>

#include "ledger.h"

static int withdraw(lua_State* L) {
  int amount = (int)luaL_checkinteger(L, 1);
  if (amount > ledger_balance) {
    return luaL_error(L, "%d is more than %d", amount, ledger_balance);
  }
  ledger_book("withdraw", -amount);
  return 0;
}

static int balance(lua_State* L) {
  lua_pushinteger(L, ledger_balance);
  return 1;
}

int luaopen_withdraw(lua_State* L) {
  static const luaL_Reg functions[] = {{"book", withdraw}, {"balance", balance}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}

__attribute__((destructor)) static void unload(void) {
  puts("withdraw unloaded");
  fflush(stdout);
}
