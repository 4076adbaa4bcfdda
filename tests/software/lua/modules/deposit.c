// Needs libledger.so, as withdraw.so does.
#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>

#include "ledger.h"

static int deposit(lua_State* L) {
  ledger_book("deposit", (int)luaL_checkinteger(L, 1));
  return 0;
}

// A function of Lua that the other module's bookings reach too; its errors are longjmps through libledger.
static int function_of_listener;

static void heard(void* data, const char* who, int balance) {
  lua_State* L = data;
  lua_rawgeti(L, LUA_REGISTRYINDEX, function_of_listener);
  lua_pushstring(L, who);
  lua_pushinteger(L, balance);
  lua_call(L, 2, 0);
}

static int listen(lua_State* L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  function_of_listener = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  ledger_listen(heard, lua_tothread(L, -1));
  return 0;
}

int luaopen_deposit(lua_State* L) {
  static const luaL_Reg functions[] = {{"book", deposit}, {"listen", listen}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}

__attribute__((destructor)) static void unload(void) {
  puts("deposit unloaded");
  fflush(stdout);
}
