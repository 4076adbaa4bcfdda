// Functions of this library that Lua calls by pointer, and functions of Lua and libc that this library does.
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t in_use, calls;

static void* allocate(void* data, void* block, size_t old, size_t new) {
  calls++;
  in_use += new - (block ? old : 0);
  lua_Alloc next = *(lua_Alloc*)data;
  return next(NULL, block, old, new);
}

// A state with an allocator of this library, which calls that of the first state.
static int state(lua_State* L) {
  void* ignored;
  lua_Alloc outer = lua_getallocf(L, &ignored);
  lua_State* inner = lua_newstate(allocate, &outer);
  luaL_openlibs(inner);
  if (luaL_dostring(inner, luaL_checkstring(L, 1))) {
    lua_pushfstring(L, "error: %s", lua_tostring(inner, -1));
  } else {
    lua_pushstring(L, luaL_tolstring(inner, -1, NULL));
  }
  lua_close(inner);
  lua_pushboolean(L, calls > 100);
  lua_pushinteger(L, (lua_Integer)in_use);
  return 3;
}

static int write(lua_State* L, const void* bytes, size_t size, void* buffer) {
  (void)L;
  luaL_addlstring(buffer, bytes, size);
  return 0;
}

static const char* read(lua_State* L, void* data, size_t* size) {
  (void)L;
  struct {
    const char* bytes;
    size_t size;
  }* rest = data;
  *size = rest->size < 7 ? rest->size : 7;  // in small pieces
  const char* piece = rest->bytes;
  rest->bytes += *size;
  rest->size -= *size;
  return *size ? piece : NULL;
}

// A function, dumped and loaded again.
static int copy(lua_State* L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  luaL_Buffer buffer;
  luaL_buffinit(L, &buffer);
  lua_pushvalue(L, 1);
  lua_dump(L, write, &buffer, 0);
  lua_pop(L, 1);
  luaL_pushresult(&buffer);
  struct {
    const char* bytes;
    size_t size;
  } rest;
  rest.bytes = lua_tolstring(L, -1, &rest.size);
  if (lua_load(L, read, &rest, "=copy", "b")) {
    return lua_error(L);
  }
  return 1;
}

static int lines;
static void hook(lua_State* L, lua_Debug* where) {
  (void)L, (void)where;
  lines++;
}

// How many lines a function runs through.
static int count_lines(lua_State* L) {
  lines = 0;
  lua_sethook(L, hook, LUA_MASKLINE, 0);
  lua_call(L, 0, 0);
  lua_sethook(L, NULL, 0, 0);
  lua_pushinteger(L, lines);
  return 1;
}

static lua_State* sorting;
static int compare(const void* a, const void* b) {
  lua_pushvalue(sorting, 2);
  lua_pushinteger(sorting, *(const int*)a);
  lua_pushinteger(sorting, *(const int*)b);
  lua_call(sorting, 2, 1);
  int order = (int)lua_tointeger(sorting, -1);
  lua_pop(sorting, 1);
  return order;
}

// Sorts a list by libc's qsort, which calls this library, which calls Lua, whose errors jump over all of them.
static int sort(lua_State* L) {
  int numbers[100], count = 0;
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  for (; count < 100 && lua_rawgeti(L, 1, count + 1) == LUA_TNUMBER; count++) {
    numbers[count] = (int)lua_tointeger(L, -1);
    lua_pop(L, 1);
  }
  lua_settop(L, 2);
  sorting = L;
  qsort(numbers, (size_t)count, sizeof numbers[0], compare);
  for (int i = 0; i < count; i++) {
    lua_pushinteger(L, numbers[i]);
    lua_rawseti(L, 1, i + 1);
  }
  lua_settop(L, 1);
  return 1;
}

int identity(lua_State* L) {
  return lua_gettop(L);
}

// Whether a function pointer that came by dlsym is the one that the library takes itself.
static int same(lua_State* L) {
  lua_pushboolean(L, lua_tocfunction(L, 1) == identity);
  return 1;
}

static int stream_close(lua_State* L) {
  luaL_Stream* stream = luaL_checkudata(L, 1, LUA_FILEHANDLE);
  lua_pushinteger(L, fclose(stream->f));
  lua_pushliteral(L, "by callbacks");
  return 2;
}

// A file that Lua's io library reads and this library opened, and closes.
static int open(lua_State* L) {
  luaL_Stream* stream = lua_newuserdatauv(L, sizeof *stream, 0);
  stream->closef = NULL;
  luaL_setmetatable(L, LUA_FILEHANDLE);
  stream->f = fopen(luaL_checkstring(L, 1), "r");
  if (stream->f == NULL) {
    return luaL_fileresult(L, 0, lua_tostring(L, 1));
  }
  stream->closef = stream_close;
  return 1;
}

int luaopen_callbacks(lua_State* L) {
  static const luaL_Reg functions[] = {
      {"state", state}, {"copy", copy}, {"count_lines", count_lines}, {"sort", sort},
      {"same", same},   {"open", open}, {"identity", identity},       {NULL, NULL},
  };
  luaL_newlib(L, functions);
  return 1;
}
