local jumps = require "jumps"
local guarded, handled, fail, bystander, jump = jumps.guarded, jumps.handled, jumps.fail, jumps.bystander, jumps.jump

print(pcall(fail, "x"))
print(pcall(fail))
print(guarded(fail, "y"))
print(guarded(error, {}, 2) == false, guarded(error))
print(guarded(function(...) return ... end, 1, nil, 3))

-- Lua in C in Lua in C ...
local function nest(depth)
  if depth == 0 then fail("depth 0") end
  local ok, message = guarded(nest, depth - 1)
  error(("%d(%s)"):format(depth, message), 0)
end
print(pcall(nest, 5))

-- An error passes as many frames of two libraries as there may be.
local function through(depth)
  if depth == 0 then error("from below", 0) end
  return string.gsub("x", "x", function() return through(depth - 1) end)
end
print(guarded(through, 60))
print(guarded(function() return through(1000) end))
local function endless() return guarded(endless) end
print((select(3, endless())))
local function deeper() return 1 + deeper() end
print(handled(deeper))

print(handled(error, "plain"))
print(handled(fail, "a handler"))
print(handled(function() return 1, 2 end))
print(handled(function() local t = nil; return t.x end))

-- A library's own setjmp, with errors that pass by it.
print(jump(0), jump(3), jump(100))
print(bystander(function() end))
print(pcall(bystander, error, "passing"))
print(guarded(bystander, bystander, function() return fail("two of them") end))
for i = 1, 1000 do
  local ok, message = pcall(bystander, fail, tostring(i))
  assert(not ok and message == "failed with " .. i)
  assert(jump(i % 10) == 17)
end
print(pcall(bystander, function() print(bystander(print, "inner", jump(5))) end))

-- Errors in what Lua calls on its own.
print(pcall(function() return setmetatable({}, {__add = jumps.fail}) + "z" end))
print(pcall(string.rep))
print(pcall(table.sort, {3, 2, 1}, function() fail("a comparison") end))
print(pcall(string.gsub, "abc", "%w", function(c) if c == "c" then fail(c) end end))
print(select(2, xpcall(fail, debug.traceback, "traced")):match("^[^\n]+"))
print(load(function() return fail("a reader") end))
print(coroutine.wrap(function() return pcall(fail, "in a coroutine") end)())
warn("@on")
setmetatable({}, {__gc = function() fail("a finalizer") end})
collectgarbage()
print("alive")
