-- A library that is replaced on disk between two states; and one that is there only later.
local callbacks = require "callbacks"

local function copy(from, to)
  local file <close> = assert(io.open(from, "rb"))
  local copied <close> = assert(io.open(to, "wb"))
  assert(copied:write(file:read("a")))
end
local function load_it(symbol)
  return (callbacks.state(([[
    local open, message, where = package.loadlib("./scratch/plugin.so", "%s")
    if not open then return where end
    local value = open("opened")
    return type(value) == "table" and value.opened or value
  ]]):format(symbol)))
end

print(load_it "luaopen_counter")
copy("counter.so", "scratch/plugin.so")
print(load_it "luaopen_counter")
print(load_it "luaopen_counter", load_it "luaopen_family")
copy("family.so", "scratch/plugin.so") -- written over
print(load_it "luaopen_counter", load_it "luaopen_family")
copy("counter.so", "scratch/new.so")
assert(os.rename("scratch/new.so", "scratch/plugin.so")) -- another file under the name
print(load_it "luaopen_counter", load_it "luaopen_family")
copy("not-a-library.so", "scratch/plugin.so")
print(load_it "luaopen_counter")
assert(os.remove("scratch/plugin.so"))
print(load_it "luaopen_counter")
copy("family.so", "scratch/plugin.so")
print(load_it "luaopen_family")

-- The same while it is open: this state keeps what it has.
local family = package.loadlib("./scratch/plugin.so", "luaopen_family")
print(family("first"))
copy("counter.so", "scratch/new.so")
assert(os.rename("scratch/new.so", "scratch/plugin.so"))
print(family("second"))
assert(os.remove("scratch/plugin.so"))
print(family("third"), package.loadlib("./scratch/plugin.so", "luaopen_family") == family)

-- Two copies of a library are two libraries.
copy("counter.so", "scratch/one.so")
copy("counter.so", "scratch/two.so")
local one, two = package.loadlib("./scratch/one.so", "luaopen_counter"), package.loadlib("./scratch/two.so", "luaopen_counter")
print(one ~= two, one("one").opened, one("one").opened, two("two").opened)

-- What a library needs is looked for again each time.
copy("needy.so", "scratch/needy.so")
print(select(3, package.loadlib("./scratch/needy.so", "luaopen_needy")))
copy("elsewhere/libabsent.so", "scratch/libabsent.so")
print(package.loadlib("./scratch/needy.so", "luaopen_needy")())
