-- expect: stderr no field package.preload['absent']

local counter, path = require "counter"
print(counter.name, counter.path, path, counter.opened)
print(require "counter" == counter, package.loaded.counter == counter, select("#", require "counter"))

local a, b = counter.new(), counter.new(50)
print(a()); print(a()); print(b()); print(a())

-- Once more, after it was forgotten: the library is the same, its state too.
package.loaded.counter = nil
local again = require "counter"
print(again ~= counter, again.opened, again.new()())
print(a())

print(package.searchpath("counter", package.cpath), package.searchpath("absent", package.cpath))
print(type(package.searchers[3] "counter"), select(2, package.searchers[3] "counter"))
print(package.searchers[3] "absent")

-- The same function, by loadlib.
local open = package.loadlib("./counter.so", "luaopen_counter")
print(type(open), open == package.loadlib("./counter.so", "luaopen_counter"), open("by hand").name)
print(pcall(require, "absent"))
io.stderr:write(select(2, pcall(require, "absent")), "\n")

package.preload.absent = function(name, extra) return name .. " of " .. extra end
print(require "absent")
