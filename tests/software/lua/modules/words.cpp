// A module in C++: it brings the C++ library with it. Its exceptions are caught in it; Lua's errors are jumps past its
// frames.
#include <cstdio>
#include <lua.hpp>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>

namespace {

struct Counted {
  explicit Counted(std::string what) : name(std::move(what)) {
    std::printf("words loaded: %s\n", name.c_str());
    std::fflush(stdout);
  }
  ~Counted() {
    std::printf("words unloaded: %s, %zu words\n", name.c_str(), words.size());
    std::fflush(stdout);
  }
  std::string name;
  std::map<std::string, int> words;
};

Counted counted("a static object");

struct TooLong : std::runtime_error {
  using std::runtime_error::runtime_error;
};

int add(const std::string& word) {
  if (word.size() > 8) {
    throw TooLong("too long: " + word);
  }
  if (word.empty()) {
    throw std::invalid_argument("empty");
  }
  return ++counted.words.at(counted.words.emplace(word, 0).first->first);
}

// add(text, f): counts words; f is told of each. An exception becomes an error of Lua where no object is left to
// destroy.
int add_words(lua_State* L) {
  const char* text = luaL_checkstring(L, 1);
  std::size_t count = 0;
  char failure[64] = "";
  try {
    std::istringstream stream(text);
    for (std::string word; stream >> word; ++count) {
      add(word);
    }
  } catch (const TooLong& error) {
    std::snprintf(failure, sizeof failure, "TooLong: %s", error.what());
  } catch (const std::exception& error) {
    std::snprintf(failure, sizeof failure, "exception: %s", error.what());
  }
  if (*failure) {
    return luaL_error(L, "%s", failure);
  }
  lua_pushinteger(L, static_cast<lua_Integer>(count));
  return 1;
}

// each(f): calls f with each word and its count; f may fail.
int each(lua_State* L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  for (const auto& [word, count] : counted.words) {
    lua_pushvalue(L, 1);
    lua_pushlstring(L, word.data(), word.size());
    lua_pushinteger(L, count);
    lua_call(L, 2, 0);
  }
  return 0;
}

int count(lua_State* L) {
  const char* word = luaL_checkstring(L, 1);
  try {
    lua_pushinteger(L, counted.words.at(word));
  } catch (const std::out_of_range&) {
    lua_pushnil(L);
  }
  return 1;
}

}  // namespace

extern "C" int luaopen_words(lua_State* L) {
  static const luaL_Reg functions[] = {{"add", add_words}, {"each", each}, {"count", count}, {nullptr, nullptr}};
  luaL_newlib(L, functions);
  return 1;
}
