local jumps = require "jumps"

-- A C function that yields.
local numbers = coroutine.wrap(jumps.numbers)
print(numbers(3)); print(numbers(10)); print(numbers(20)); print(numbers(30))
print(pcall(numbers))
print(pcall(jumps.numbers, 1))
for n in coroutine.wrap(function() jumps.numbers(4) end) do io.write(n, " ") end
print()

-- A function of Lua that yields through a C function of the library.
local co = coroutine.create(function(...) return "end", jumps.each(function(x) print("got", coroutine.yield(x * 2)) end, ...) end)
for i = 1, 5 do print(coroutine.resume(co, i, i + 1, i + 2)) end
print(coroutine.status(co), coroutine.resume(co))

-- And through a pcall of its own.
co = coroutine.wrap(function()
  print(jumps.try(function() return "nothing" end))
  print(jumps.try(function() error("before", 0) end))
  print(jumps.try(function() return coroutine.yield("first") end))
  print(jumps.try(function() coroutine.yield("second"); error("after", 0) end))
  print(jumps.try(function() return jumps.try(function() jumps.each(coroutine.yield, 1, 2); jumps.fail("deep") end) end))
  return "finished"
end)
print(co()); print(co(7)); print(co()); print(co()); print(co())

-- A coroutine that C runs.
print(jumps.drain(function() for i = 1, 5 do coroutine.yield(i, i * i) end end))
print(jumps.drain(function() coroutine.yield("one"); error("two", 0) end))
print(jumps.drain(function() print(jumps.drain(function() coroutine.yield("inner") end)); coroutine.yield("outer") end))
print(jumps.drain(function() jumps.each(coroutine.yield, "a", "b", "c") end))

-- Metamethods, iterators and finalizers of coroutines.
local list = setmetatable({}, {__index = function(_, k) return coroutine.yield(k) end})
print(jumps.drain(function() return list.x, list.y end))
co = coroutine.create(function()
  local closing <close> = require "vector".new(1, 2)
  jumps.each(coroutine.yield, "held")
end)
print(coroutine.resume(co))
print(coroutine.close(co), coroutine.status(co))

-- Many, all half done.
local all = {}
for i = 1, 500 do all[i] = coroutine.wrap(function() return jumps.numbers(i) end) end
local sum = 0
for round = 1, 3 do for i = 3, 500 do sum = sum + all[i]() end end
print(sum)
