// A type of userdata with metamethods, and a finalizer that may run when the state is closed.
#include <lauxlib.h>
#include <lua.h>
#include <math.h>
#include <stdio.h>

#define TYPE "vector"

typedef struct {
  double x, y;
} Vector;

static int alive;

static Vector* check(lua_State* L, int index) {
  return luaL_checkudata(L, index, TYPE);
}

static int push(lua_State* L, double x, double y) {
  Vector* vector = lua_newuserdatauv(L, sizeof *vector, 0);
  *vector = (Vector){x, y};
  luaL_setmetatable(L, TYPE);
  alive++;
  return 1;
}

static int new(lua_State* L) {
  return push(L, luaL_checknumber(L, 1), luaL_optnumber(L, 2, 0));
}

static int count(lua_State* L) {
  lua_pushinteger(L, alive);
  return 1;
}

static int add(lua_State* L) {
  Vector *a = check(L, 1), *b = check(L, 2);
  return push(L, a->x + b->x, a->y + b->y);
}

static int mul(lua_State* L) {
  if (lua_isnumber(L, 1)) {
    lua_insert(L, 1);
  }
  Vector* a = check(L, 1);
  double by = luaL_checknumber(L, 2);
  return push(L, a->x * by, a->y * by);
}

static int unm(lua_State* L) {
  Vector* a = check(L, 1);
  return push(L, -a->x, -a->y);
}

static int eq(lua_State* L) {
  Vector *a = check(L, 1), *b = check(L, 2);
  lua_pushboolean(L, a->x == b->x && a->y == b->y);
  return 1;
}

static int lt(lua_State* L) {
  Vector *a = check(L, 1), *b = check(L, 2);
  lua_pushboolean(L, hypot(a->x, a->y) < hypot(b->x, b->y));
  return 1;
}

static int len(lua_State* L) {
  check(L, 1);
  lua_pushinteger(L, 2);
  return 1;
}

static int call(lua_State* L) {
  Vector* a = check(L, 1);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  lua_pushnumber(L, a->x);
  lua_pushnumber(L, a->y);
  lua_call(L, 2, LUA_MULTRET);
  return lua_gettop(L) - 1;
}

static int tostring(lua_State* L) {
  Vector* a = check(L, 1);
  lua_pushfstring(L, "(%f, %f)", a->x, a->y);
  return 1;
}

static int index(lua_State* L) {
  Vector* a = check(L, 1);
  const char* key = luaL_checkstring(L, 2);
  if (key[0] == 'x' && !key[1]) {
    lua_pushnumber(L, a->x);
  } else if (key[0] == 'y' && !key[1]) {
    lua_pushnumber(L, a->y);
  } else if (luaL_getmetafield(L, 1, key) == LUA_TNIL) {
    return luaL_error(L, "a vector has no '%s'", key);
  }
  return 1;
}

static int newindex(lua_State* L) {
  Vector* a = check(L, 1);
  static const char* const keys[] = {"x", "y", NULL};
  double value = luaL_checknumber(L, 3);
  *(luaL_checkoption(L, 2, NULL, keys) == 0 ? &a->x : &a->y) = value;
  return 0;
}

static int length(lua_State* L) {
  Vector* a = check(L, 1);
  lua_pushnumber(L, hypot(a->x, a->y));
  return 1;
}

static int gc(lua_State* L) {
  check(L, 1);
  alive--;
  return 0;
}

static int close(lua_State* L) {
  Vector* a = check(L, 1);
  printf("closing (%g, %g), error: %s\n", a->x, a->y, luaL_tolstring(L, 2, NULL));
  fflush(stdout);
  return 0;
}

int luaopen_vector(lua_State* L) {
  static const luaL_Reg metamethods[] = {
      {"__add", add},     {"__mul", mul},           {"__unm", unm},           {"__eq", eq}, {"__lt", lt},
      {"__len", len},     {"__call", call},         {"__tostring", tostring}, {"__gc", gc}, {"__close", close},
      {"__index", index}, {"__newindex", newindex}, {"length", length},       {NULL, NULL},
  };
  static const luaL_Reg functions[] = {{"new", new}, {"count", count}, {NULL, NULL}};
  luaL_newmetatable(L, TYPE);
  luaL_setfuncs(L, metamethods, 0);
  luaL_newlib(L, functions);
  return 1;
}

__attribute__((destructor)) static void unload(void) {
  printf("vector unloaded, %d alive\n", alive);
  fflush(stdout);
}
