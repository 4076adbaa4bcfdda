local vector = require "vector"

local a, b = vector.new(3, 4), vector.new(1)
print(a, b, a + b, a * 2, 2 * a, -a, #a)
print(a == vector.new(3, 4), a == b, a ~= b, a < b, b < a, a:length())
print(a(function(x, y) return x * 10, y * 10, "called" end))
a.x, b.y = 6, 8
print(a.x, a.y, b.x, b.y, a.length == b.length)

for _, wrong in ipairs {
  function() return a.z end,
  function() a.z = 1 end,
  function() a.x = "wide" end,
  function() return a + 1 end,
  function() return a * {} end,
  function() return vector.new() end,
  function() return a.length(io.stdout) end,
  function() return a .. b end,
  function() return a(7) end,
  function() return a(error, 7) end,
} do print(pcall(wrong)) end

print(vector.count() > 10)
a, b = nil, nil
collectgarbage()
print(vector.count())

-- Variables that are closed, also when an error or a break leaves their block.
do
  local one <close> = vector.new(1, 1)
  print(pcall(function()
    local two <close> = vector.new(2, 2)
    error("out", 0)
  end))
end
for i = 1, 3 do
  local each <close> = vector.new(i, i)
  if i == 2 then break end
end

-- Many of them; the collector runs our finalizer between allocations.
local sum = vector.new(0, 0)
for i = 1, 20000 do sum = sum + vector.new(i, -i) end
print(sum, vector.count() < 40000)

-- What is alive when the state is closed is finalized before the library goes.
kept = sum
local function new_table() return setmetatable({}, {__gc = function() print("the last: ", kept, pcall(vector.new, 1, 2)) end}) end
last = new_table()
