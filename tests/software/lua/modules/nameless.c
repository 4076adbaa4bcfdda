// A library that is no module: no luaopen_nameless.
#include <lauxlib.h>
#include <lua.h>

int nameless_answer(lua_State* L) {
  lua_pushinteger(L, 42);
  return 1;
}

int luaopen_nameles(lua_State* L) {
  return luaL_error(L, "the name is another");
}

int nameless_data = 7;
