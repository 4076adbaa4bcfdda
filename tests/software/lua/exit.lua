-- expect: exit 3
-- The state is not closed: the libraries are there until the end, when their destructors run.
require "deposit".book(1)
os.exit(3)
