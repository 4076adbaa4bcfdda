// States that are opened and closed: each keeps its modules open, the last one to close unloads them.
#include <dlfcn.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>

static void run(lua_State* L, const char* chunk) {
  if (luaL_dostring(L, chunk)) {
    printf("error: %s\n", lua_tostring(L, -1));
  }
  lua_settop(L, 0);
  fflush(stdout);
}

static lua_State* new_state(void) {
  lua_State* L = luaL_newstate();
  luaL_openlibs(L);
  run(L, "package.cpath = './?.so'");
  return L;
}

static void look(const char* when) {
  void* counter = dlopen("./counter.so", RTLD_NOW | RTLD_NOLOAD);
  printf("%s: %s\n", when, counter ? "counter is loaded" : "counter is not loaded");
  if (counter) {
    dlclose(counter);
  }
  fflush(stdout);
}

static const char chunk[] =
    "local counter = require 'counter'\n"
    "count = count or counter.new()\n"
    "print(counter.opened, count())";

int main(void) {
  look("before");
  lua_State *first = new_state(), *second = new_state();
  look("two states");
  run(first, chunk);
  look("required once");
  run(second, chunk);
  run(first, chunk);
  lua_close(first);
  look("the first is closed");
  run(second, chunk);
  lua_close(second);
  look("both are closed");

  lua_State* third = new_state();  // the library's data is as new
  run(third, chunk);
  look("a third");
  void* own = dlopen("./counter.so", RTLD_NOW);
  lua_close(third);
  look("held by the program");
  int (*opener)(lua_State*) = (int (*)(lua_State*))dlsym(own, "luaopen_counter");
  third = new_state();
  luaL_requiref(third, "counter", opener, 0);
  run(third, chunk);
  lua_close(third);
  dlclose(own);
  look("let go");

  // Many states, one after the other.
  for (int i = 0; i < 200; i++) {
    lua_State* L = new_state();
    run(L, "local family = require 'family.left'; assert(family == 'left, number 1, as family.left')");
    lua_close(L);
  }
  puts("200 states");
  return 0;
}
