-- expect: stderr plugins_

-- lateral.so uses symbols of libplugins.so, and does not name it.
local ok, message = pcall(require, "lateral")
print(ok)
io.stderr:write(message, "\n")

-- Opened for one function, it stays local.
local f = package.loadlib("./libplugins.so", "plugins_register")
print(type(f))
print((pcall(require, "lateral")))

-- With "*" its symbols become everybody's.
print(package.loadlib("./libplugins.so", "*"))
print(require "lateral")
package.loaded.lateral = nil
print(require "lateral")
