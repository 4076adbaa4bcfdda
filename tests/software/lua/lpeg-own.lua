-- once
-- LPeg's own tests, with those of its module `re`.
package.path = "upstream/lua-lpeg/?.lua"
arg = {[0] = "test.lua"}
dofile "upstream/lua-lpeg/test.lua"
