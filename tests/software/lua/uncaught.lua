-- expect: exit 1
-- expect: stderr failed with nothing to catch it
-- expect: stderr stack traceback:
require "vector"
kept = require "vector".new(1, 1)
print(require "jumps".guarded(print, "first"))
require "jumps".fail("nothing to catch it")
