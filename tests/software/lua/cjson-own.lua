-- lua-cjson's own tests.
package.path = "upstream/lua-cjson/lua/?.lua"
local util = require "cjson.util"
local file_load = util.file_load
function util.file_load(name, ...) return file_load("upstream/lua-cjson/tests/" .. name, ...) end
-- The sign of a NaN is the machine's.
local system_print = print
function print(text) system_print((tostring(text):gsub("-nan", "nan"))) end
arg = {[0] = "test.lua"}
dofile "upstream/lua-cjson/tests/test.lua"
