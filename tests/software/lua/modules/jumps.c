// Errors and continuations across libraries: pcall in C around Lua around C, C functions that yield, and a setjmp of
// the module's own with Lua's errors passing by.
#include <lauxlib.h>
#include <lua.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

// guarded(f, ...): ok, and results or the error with a note.
static int guarded(lua_State* L) {
  int status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
  if (status != LUA_OK) {
    lua_pushfstring(L, "[status %d] %s", status, luaL_tolstring(L, -1, NULL));
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    return 2;
  }
  lua_pushboolean(L, 1);
  lua_insert(L, 1);
  return lua_gettop(L);
}

static int handler(lua_State* L) {
  lua_pushfstring(L, "handled: %s", lua_tostring(L, 1));
  return 1;
}

// The same with a message handler of this library.
static int handled(lua_State* L) {
  lua_pushcfunction(L, handler);
  lua_insert(L, 1);
  int status = lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 1);
  lua_pushinteger(L, status);
  lua_replace(L, 1);
  return lua_gettop(L);
}

static int fail(lua_State* L) {
  return luaL_error(L, "failed with %s", luaL_checkstring(L, 1));
}

// A frame with a setjmp of its own on the way of an error: nothing may land here, and what it keeps stays whole.
static int bystander(lua_State* L) {
  jmp_buf here;
  volatile int landed = 0;
  if (setjmp(here)) {
    landed = 1;
    lua_pushboolean(L, landed);
    return 1;
  }
  lua_call(L, lua_gettop(L) - 1, 0);
  longjmp(here, 1);
}

// A jump within the library, with a frame of Lua neither skipped nor seen.
static jmp_buf nearby;
static void deep(int depth) {
  if (depth == 0) {
    longjmp(nearby, 17);
  }
  deep(depth - 1);
}
static int jump(lua_State* L) {
  int landed = setjmp(nearby);
  if (landed == 0) {
    deep((int)luaL_checkinteger(L, 1));
  }
  lua_pushinteger(L, landed);
  return 1;
}

// numbers(n): yields 1 to n, then returns "end"; after each resume it adds what it was given.
static int numbers_continue(lua_State* L, int status, lua_KContext sum) {
  lua_Integer last = lua_tointeger(L, 1), at = lua_tointeger(L, 2);
  if (status == LUA_YIELD) {
    sum += (lua_KContext)luaL_optinteger(L, -1, 0);
  }
  lua_settop(L, 2);
  if (at == last) {
    lua_pushliteral(L, "end");
    lua_pushinteger(L, sum);
    return 2;
  }
  lua_pushinteger(L, at + 1);
  lua_copy(L, -1, 2);
  return lua_yieldk(L, 1, sum, numbers_continue);
}
static int numbers(lua_State* L) {
  luaL_checkinteger(L, 1);
  lua_settop(L, 1);
  lua_pushinteger(L, 0);
  return numbers_continue(L, LUA_OK, 0);
}

// each(f, ...): calls f with each argument in turn; f may yield.
static int each_continue(lua_State* L, int status, lua_KContext at) {
  (void)status;
  while (at < lua_gettop(L)) {
    lua_pushvalue(L, 1);
    lua_pushvalue(L, (int)++at);
    lua_callk(L, 1, 0, at, each_continue);
  }
  lua_pushinteger(L, at - 1);
  return 1;
}
static int each(lua_State* L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  return each_continue(L, LUA_OK, 1);
}

// try(f): as pcall, but f may yield through it.
static int try_continue(lua_State* L, int status, lua_KContext context) {
  lua_pushstring(L, status == LUA_OK ? "plain" : status == LUA_YIELD ? "resumed" : "caught");
  lua_replace(L, 1);
  lua_pushinteger(L, context);
  return lua_gettop(L);
}
static int try(lua_State* L) {
  lua_settop(L, 1);
  lua_pushnil(L);
  lua_insert(L, 1);
  return try_continue(L, lua_pcallk(L, 0, LUA_MULTRET, 0, 5, try_continue), 6);
}

// A coroutine run from C: all that it yields, joined.
static int drain(lua_State* L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_State* thread = lua_newthread(L);
  lua_pushvalue(L, 1);
  lua_xmove(L, thread, 1);
  luaL_Buffer buffer;
  luaL_buffinit(L, &buffer);
  int results, status;
  while ((status = lua_resume(thread, L, 0, &results)) == LUA_YIELD) {
    for (int i = results; i > 0; i--) {
      luaL_addstring(&buffer, luaL_tolstring(thread, -i, NULL));
      lua_pop(thread, 1);
      luaL_addchar(&buffer, ' ');
    }
    lua_pop(thread, results);
  }
  luaL_addstring(&buffer, status == LUA_OK ? "done" : lua_tostring(thread, -1));
  luaL_pushresult(&buffer);
  lua_pushinteger(L, lua_resetthread(thread));
  return 2;
}

int luaopen_jumps(lua_State* L) {
  static const luaL_Reg functions[] = {
      {"guarded", guarded}, {"handled", handled}, {"fail", fail}, {"bystander", bystander}, {"jump", jump},
      {"numbers", numbers}, {"each", each},       {"try", try},   {"drain", drain},         {NULL, NULL},
  };
  luaL_newlib(L, functions);
  return 1;
}
