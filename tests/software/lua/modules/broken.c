// A module that cannot be opened the first time.
#include <lauxlib.h>
#include <lua.h>

static int attempts;

int luaopen_broken(lua_State* L) {
  if (++attempts == 1) {
    return luaL_error(L, "attempt %d fails", attempts);
  }
  lua_pushinteger(L, attempts);
  return 1;
}

// An error that is no string.
int luaopen_broken_table(lua_State* L) {
  lua_newtable(L);
  lua_pushinteger(L, attempts);
  lua_setfield(L, -2, "attempts");
  return lua_error(L);
}
