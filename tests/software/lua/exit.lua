-- expect: exit 3
-- Without closing the state: the libraries are still there at the end, and their destructors run.
require "counter".new()()
require "deposit".book(1)
kept = require "vector".new(1, 1)
os.exit(3)
