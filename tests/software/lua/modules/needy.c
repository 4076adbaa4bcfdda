#include <lua.h>

int absent(void);

int luaopen_needy(lua_State* L) {
  lua_pushinteger(L, absent());
  return 1;
}
