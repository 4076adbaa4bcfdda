// A main with an allocator of its own, whose constructors run when it starts.
#include "heap.c"
#include "main.c"
