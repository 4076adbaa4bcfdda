// A module that opens others: while it is opened, and when it is called.
#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>

static int depth;

// open(names...): requires them all; the last one's value.
static int open(lua_State* L) {
  for (int i = 1, count = lua_gettop(L); i <= count; i++) {
    lua_getglobal(L, "require");
    lua_pushvalue(L, i);
    lua_call(L, 1, 1);
  }
  return 1;
}

int luaopen_nested(lua_State* L) {
  lua_getglobal(L, "require");
  lua_pushliteral(L, "vector");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "new");
  lua_pushinteger(L, ++depth);
  lua_call(L, 1, 1);
  lua_newtable(L);
  lua_insert(L, -2);
  lua_setfield(L, -2, "vector");
  lua_pushcfunction(L, open);
  lua_setfield(L, -2, "open");
  return 1;
}

// Fails after it has opened another.
int luaopen_nested_failing(lua_State* L) {
  lua_getglobal(L, "require");
  lua_pushliteral(L, "counter");
  lua_call(L, 1, 1);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "broken");
  lua_call(L, 1, 1);
  return 1;
}

__attribute__((destructor)) static void unload(void) {
  printf("nested unloaded, depth %d\n", depth);
  fflush(stdout);
}
