// State in static data, in an upvalue and in the registry; says when it is loaded and unloaded.
#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>

static int opened = 100;  // how often luaopen_counter ran, from 100
static int total;
static int key;  // its address is the key in the registry

__attribute__((constructor)) static void load(void) {
  total = 1000;
  puts("counter loaded");
  fflush(stdout);
}

__attribute__((destructor)) static void unload(void) {
  printf("counter unloaded: opened %d, total %d\n", opened, total);
  fflush(stdout);
}

// The own count of each counter, the registry's, and the library's.
static int next(lua_State* L) {
  lua_Integer own = lua_tointeger(L, lua_upvalueindex(1)) + 1;
  lua_pushinteger(L, own);
  lua_copy(L, -1, lua_upvalueindex(1));
  lua_rawgetp(L, LUA_REGISTRYINDEX, &key);
  lua_Integer of_state = lua_tointeger(L, -1) + 1;
  lua_pop(L, 1);
  lua_pushinteger(L, of_state);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &key);
  lua_pushinteger(L, of_state);
  lua_pushinteger(L, ++total);
  return 3;
}

static int new(lua_State* L) {
  lua_pushinteger(L, luaL_optinteger(L, 1, 0));
  lua_pushcclosure(L, next, 1);
  return 1;
}

int luaopen_counter(lua_State* L) {
  opened++;
  lua_newtable(L);
  lua_pushcfunction(L, new);
  lua_setfield(L, -2, "new");
  lua_pushinteger(L, opened);
  lua_setfield(L, -2, "opened");
  lua_pushvalue(L, 1);  // what `require` hands over: the name, and where it was found
  lua_setfield(L, -2, "name");
  lua_pushvalue(L, 2);
  lua_setfield(L, -2, "path");
  return 1;
}
