-- Modules that open modules: dlopen in what dlopen brought.
local nested = require "nested"
print(nested.vector, package.loaded.vector ~= nil)
print(pcall(require, "nested.failing"))
print(package.loaded["nested.failing"], package.loaded.counter.opened)
print(pcall(require, "nested.failing"))
print(nested.open("deposit", "withdraw").balance())
print(pcall(nested.open, "counter", "absent") == false, pcall(nested.open, "lateral") == false)
