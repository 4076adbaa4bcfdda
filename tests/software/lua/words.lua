-- A module in C++, for whose sake the C++ library is loaded, and unloaded.
local words = require "words"
print(words.add "the quick brown fox jumps over the lazy dog the end")
print(words.count "the", words.count "fox", words.count "cat")
print(pcall(words.add, "short interminable never"))
print(words.count "short", words.count "never")
words.each(function(word, count) io.write(word, "=", count, " ") end)
print()
print(pcall(words.each, function(word) if word == "fox" then error("a fox", 0) end end))
print(pcall(words.each, function(word) words.add(word == "dog" and "antidisestablish" or "") end))
for i = 1, 1000 do assert(not pcall(words.add, "incomprehensible")) end

-- In states of their own the library stays what it is.
local callbacks = require "callbacks"
print(callbacks.state "package.cpath = './?.so' return require 'words'.count 'the'")
