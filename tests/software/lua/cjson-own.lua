-- lua-cjson's own tests.
package.path = "upstream/lua-cjson/lua/?.lua"
arg = {[0] = "test.lua"}
dofile "upstream/lua-cjson/tests/test.lua"
