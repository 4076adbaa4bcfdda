-- expect: stderr absent.so
-- expect: stderr luaopen_nameless
-- expect: stderr not-a-library.so
-- expect: stderr libabsent.so
-- expect: stderr plugins_register

-- The words are the system's own: what is compared is where they come from, what they name, and what `loadlib` says
-- failed. They go to stderr.
local function told(ok, message, where)
  io.stderr:write(tostring(message), "\n")
  return ok, type(message), where
end
local function names(text, name) return text:find(name, 1, true) ~= nil end

print("no such file", told(package.loadlib("./absent.so", "luaopen_absent")))
print(names(select(2, package.loadlib("./absent.so", "luaopen_absent")), "absent.so"))
print("no such file, to be global", told(package.loadlib("./absent.so", "*")))

print("no such symbol", told(package.loadlib("./nameless.so", "luaopen_nameless")))
print(names(select(2, package.loadlib("./nameless.so", "luaopen_nameless")), "luaopen_nameless"))
local ok, message = pcall(require, "nameless")
print("no luaopen_", ok, message:match("^error loading module 'nameless' from file './nameless.so':\n\t") ~= nil,
  names(message, "luaopen_nameless"))
print("another symbol of the same", package.loadlib("./nameless.so", "nameless_answer")())

local ok, message = pcall(require, "not-a-library")
print("no library", ok, message:match("^error loading module 'not%-a%-library' from file './not%-a%-library.so':\n\t") ~= nil)
print("no library", told(package.loadlib("./not-a-library.so", "luaopen_library")))
print("empty", told(package.loadlib("./empty.so", "luaopen_empty")))
print("a directory", told(package.loadlib("./", "luaopen_")))

local ok, message = pcall(require, "needy")
print("what it needs is missing", ok, message:match("^error loading module 'needy' from file './needy.so':\n\t") ~= nil,
  names(message, "libabsent.so"))
print("what it needs is missing", told(package.loadlib("./needy.so", "luaopen_needy")))
print("once more", told(package.loadlib("./needy.so", "*")))

local ok, message = pcall(require, "lateral")
print("a symbol that nobody has", ok, message:match("^error loading module 'lateral' from file './lateral.so':\n\t") ~= nil)
print("a symbol that nobody has", told(package.loadlib("./lateral.so", "luaopen_lateral")))

-- luaopen_ that fails is an error; the library stays, and may be tried again.
print(pcall(require, "broken"))
print(package.loaded.broken, pcall(require, "broken"))
local ok, what = pcall(require, "broken.table")
print(ok, type(what), what.attempts)
package.loaded.broken = nil
print(require "broken")

-- After all these failures others are found.
print(require "counter".opened)
for i = 1, 100 do assert(not package.loadlib("./absent.so", "*")) end
print(require "vector".new(1, 2))
