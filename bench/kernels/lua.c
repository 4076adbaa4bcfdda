// Lua runs a script of calls, tables, strings, closures, coroutines and protected errors: an interpreter, and the
// garbage that it collects.
#include "lua.h"

#include "lauxlib.h"
#include "lualib.h"
#include "measure.h"

static const char script[] =
    "local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end\n"
    "local check = fib(25)\n"
    "local function mix(more) check = (check * 31 + more) % 1000000007 end\n"
    // Tables as arrays.
    "local sieve, primes = {}, 0\n"
    "for i = 2, 60000 do sieve[i] = true end\n"
    "for i = 2, 60000 do\n"
    "  if sieve[i] then primes = primes + 1; for j = i * i, 60000, i do sieve[j] = false end end\n"
    "end\n"
    "mix(primes)\n"
    "local numbers, state = {}, 1\n"
    "for i = 1, 8000 do state = (state * 1103515245 + 12345) % 2147483648; numbers[i] = state end\n"
    "table.sort(numbers, function(a, b) return a % 65536 < b % 65536 or a % 65536 == b % 65536 and a < b end)\n"
    "mix(numbers[100] + numbers[7000])\n"
    // Strings, and tables by them.
    "local counts, pieces = {}, {}\n"
    "for i = 1, 6000 do pieces[i] = string.format('%d-%s', i % 97, string.rep('x', i % 5)) end\n"
    "for word in table.concat(pieces, ' '):gmatch('%S+') do counts[word] = (counts[word] or 0) + 1 end\n"
    "local sum = 0\n"
    "for word, count in pairs(counts) do sum = sum + #word * count * count end\n"
    "mix(sum)\n"
    "mix(#(table.concat(pieces, ','):gsub('x+', function(run) return #run .. '!' end)))\n"
    // Objects, closures, coroutines.
    "local Point = {}\n"
    "Point.__index = Point\n"
    "Point.__add = function(a, b) return setmetatable({x = a.x + b.x, y = a.y - b.y}, Point) end\n"
    "function Point:length() return self.x * self.x + self.y * self.y end\n"
    "local point = setmetatable({x = 0, y = 0}, Point)\n"
    "for i = 1, 30000 do point = point + setmetatable({x = i % 3, y = i % 5}, Point) end\n"
    "mix(point:length() % 1000003)\n"
    "local produce = coroutine.wrap(function() for i = 1, 1000 do coroutine.yield(i % 7) end return -1 end)\n"
    "local total = 0\n"
    "repeat local value = produce(); total = total + value until value < 0\n"
    "mix(total)\n"
    "for i = 1, 300 do local ok, what = pcall(error, i, 0); if not ok then total = total + what end end\n"
    "mix(total)\n"
    // Floating point.
    "local inside = 0\n"
    "for i = 0, 79 do for j = 0, 79 do\n"
    "  local x, y, steps = 0.0, 0.0, 0\n"
    "  local a, b = i / 40 - 1.5, j / 40 - 1.0\n"
    "  while steps < 50 and x * x + y * y < 4.0 do x, y, steps = x * x - y * y + a, 2.0 * x * y + b, steps + 1 end\n"
    "  inside = inside + steps\n"
    "end end\n"
    "mix(inside)\n"
    "return check\n";

static const luaL_Reg libraries[] = {{LUA_GNAME, luaopen_base},
                                     {LUA_TABLIBNAME, luaopen_table},
                                     {LUA_STRLIBNAME, luaopen_string},
                                     {LUA_COLIBNAME, luaopen_coroutine}};

static long long one_round(void) {
  start_clock();
  lua_State* state = luaL_newstate();
  for (unsigned i = 0; i < sizeof libraries / sizeof *libraries; i++) {
    luaL_requiref(state, libraries[i].name, libraries[i].func, 1);
    lua_pop(state, 1);
  }
  if (luaL_dostring(state, script) != LUA_OK) {
    printf("error: %s\n", lua_tostring(state, -1));
    exit(1);
  }
  long long check = lua_tointeger(state, -1);
  lua_close(state);
  stop_clock();
  return check;
}
