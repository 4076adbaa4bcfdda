-- LPeg: a calculator, and patterns of the `re` module.
package.path = "upstream/lua-lpeg/?.lua"
local lpeg = require "lpeg"
local re = require "re"
print(lpeg.version(), lpeg.type(lpeg.P(1)))

local space = lpeg.S " \t"^0
local number = lpeg.C(lpeg.P "-"^-1 * lpeg.R "09"^1) / tonumber * space
local function left(operand, operator)
  return lpeg.Cf(operand * lpeg.Cg(operator * operand)^0, function(a, op, b)
    if op == "+" then return a + b elseif op == "-" then return a - b elseif op == "*" then return a * b end
    if b == 0 then error("division by zero", 0) end
    return a // b
  end)
end
local calculator = lpeg.P {
  "all",
  all = space * lpeg.V "sum" * -1,
  sum = left(lpeg.V "product", lpeg.C(lpeg.S "+-") * space),
  product = left(lpeg.V "factor", lpeg.C(lpeg.S "*/") * space),
  factor = number + "(" * space * lpeg.V "sum" * ")" * space,
}
for _, text in ipairs {"1 + 2 * 3", "(1+2)*3 - -4", "7/2/2", "1 +", "((((((2))))))"} do print(text, calculator:match(text)) end
print(pcall(calculator.match, calculator, "1/0"))

print(re.match("the number 423", "{[a-z]+} ' ' {[a-z]+} ' ' {[0-9]+}"))
print(re.gsub("hello World", "[aeiou]", "."))
print(re.find("the quick brown fox", "'brown'"))
local balanced = re.compile "balanced <- '(' ([^()] / balanced)* ')'"
print(balanced:match "(a(b)(c(d)))", balanced:match "(a(b")
local record = re.compile("{| {:key: [a-z]+ :} '=' {:value: [^;]* :} |}")
local parsed = record:match "colour=blue;x"
print(parsed.key, parsed.value)

-- A match-time capture whose function fails: an error through LPeg's machine.
print(pcall(lpeg.match, lpeg.Cmt(lpeg.P "x", function() error("at match time", 0) end), "x"))
print(pcall(lpeg.P, {lpeg.V "none"}))
print(pcall(lpeg.P, {lpeg.V(1) * "x"}))
print(lpeg.match(lpeg.P "a"^0, ("a"):rep(100000)))
print(pcall(lpeg.match, lpeg.P {lpeg.P "(" * lpeg.V(1) * ")" + ""}, ("("):rep(1000)))
