// Several modules in one library: `require "family.left"` finds luaopen_family_left in it. With a hyphen in the name,
// what stands before it does not count: `require "v2-family"`, of a file v2-family.so.
#include <lauxlib.h>
#include <lua.h>

static int members;

static int open(lua_State* L, const char* name) {
  lua_pushfstring(L, "%s, number %d, as %s", name, ++members, lua_tostring(L, 1));
  return 1;
}

int luaopen_family(lua_State* L) {
  return open(L, "family");
}

int luaopen_family_left(lua_State* L) {
  return open(L, "left");
}

int luaopen_family_right_hand(lua_State* L) {
  return open(L, "right hand");
}
