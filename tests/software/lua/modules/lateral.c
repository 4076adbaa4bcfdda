// Uses what somebody else has to make global first.
#include <lauxlib.h>
#include <lua.h>

extern int plugins_count;
int plugins_register(int by);

int luaopen_lateral(lua_State* L) {
  lua_pushinteger(L, plugins_count + 100 * plugins_register(4));
  return 1;
}
