-- expect: exit 4
require "counter".new()()
require "withdraw".book(1)
kept = require "vector".new(1, 1)
coroutine.wrap(function() os.exit(4, true) end)()
