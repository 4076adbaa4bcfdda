-- expect: stderr plugins_

-- lateral.so uses symbols of libplugins.so, and does not name it.
local ok, message = pcall(require, "lateral")
print(ok)
io.stderr:write(message, "\n")

-- Opened for one function, it stays local.
local f = package.loadlib("./libplugins.so", "plugins_register")
print(type(f))
print((pcall(require, "lateral")))

-- Lua has this file open, and leaves it as it is.
print(package.loadlib("./libplugins.so", "*"))
print((pcall(require, "lateral")))

-- Under another name Lua opens it again: it is the same library, whose symbols become everybody's.
print(package.loadlib("././libplugins.so", "*"))
print(f == package.loadlib("././libplugins.so", "plugins_register"))
print(require "lateral")
package.loaded.lateral = nil
print(require "lateral")
