local callbacks = require "callbacks"

print(callbacks.state "local t = {} for i = 1, 1000 do t[i] = {i} end return #t")
print(callbacks.state "return pcall(error, 'inside')")
print(callbacks.state "error('outside', 0)")
-- A state in a state has its own modules, of the same library.
print(callbacks.state "package.cpath = './?.so' counter = require 'counter' return counter.opened .. ' ' .. counter.new()()")
print(require "counter".opened)

local function add(a, b) return a + b end
local copied = callbacks.copy(add)
print(copied ~= add, copied(3, 4))
print(callbacks.count_lines(function()
  local x = 1
  for i = 1, 10 do
    x = x + i
  end
end))

print(table.concat(callbacks.sort({5, 3, 9, 1, 7}, function(a, b) return a - b end), " "))
print(table.concat(callbacks.sort({5, 3, 9, 1, 7}, function(a, b) return b - a end), " "))
print(pcall(callbacks.sort, {5, 3, 9}, function(a, b) error(("%d and %d"):format(math.max(a, b), 3), 0) end) == false)

print(callbacks.same(callbacks.identity), callbacks.same(package.loadlib("./callbacks.so", "identity")), callbacks.same(print))
print(package.loadlib("./callbacks.so", "identity") == callbacks.identity)

local file = callbacks.open("tests/family.lua")
print(io.type(file), file:read("l"))
print(file:seek("set", 6), file:read(8))
print(file:close())
print(io.type(file), pcall(file.read, file))
print(callbacks.open("tests/absent.lua") == nil, select("#", callbacks.open("tests/absent.lua")))
