-- lua-cjson: a JSON round trip of each of its examples, numbers, and errors.
package.path = "upstream/lua-cjson/lua/?.lua;" .. package.path
local json, safe = require "cjson", require "cjson.safe"
print(json._NAME, json._VERSION, safe ~= json)

local function shown(value)
  if type(value) ~= "table" then return value == json.null and "null" or ("%q"):format(value) end
  local keys = {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  for i, key in ipairs(keys) do keys[i] = tostring(key) .. "=" .. shown(value[key]) end
  return "{" .. table.concat(keys, ", ") .. "}"
end

for _, name in ipairs {"example1", "example2", "example3", "example4", "example5", "rfc-example1", "rfc-example2", "numbers", "types"} do
  local text = io.open("upstream/lua-cjson/tests/" .. name .. ".json"):read("a")
  local value = json.decode(text)
  print(name, shown(value))
  assert(shown(json.decode(json.encode(value))) == shown(value))
end
print(json.encode {1, 2.5, "\0\1é\"/", {nested = {true, false, json.null}}, 1e300, -0.0, 2^53})
for _, text in ipairs {'{"a":1', '[1,2,]', '"\\ud800"', 'nul', '[1e999]', '{"a" 1}', ''} do
  local ok, value = pcall(json.decode, text)
  print(ok, shown(value))
  print(shown(safe.decode(text)), select(2, safe.decode(text)))
end
print(pcall(json.encode, {[{}] = 1}))
print(pcall(json.encode, print))
print(safe.encode(print))
print(pcall(json.encode, setmetatable({}, {__index = error})))
local deep = {}
for i = 1, 2000 do deep = {deep} end
print(pcall(json.encode, deep))
print(pcall(json.decode, ("["):rep(2000)))
local own = json.new()
own.encode_sparse_array(true); own.encode_number_precision(3)
print(own.encode {[3] = math.pi}, pcall(json.encode, {[1] = 1, [1000] = math.pi}))
