// A reactor: initialised when it is instantiated, then called.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int ready;

__attribute__((constructor)) static void construct(void) { ready = 41; }

__attribute__((export_name("answer"))) int answer(void) { return ready + 1; }
__attribute__((export_name("leave"))) void leave(int code) { exit(code); }
__attribute__((export_name("length"))) int length(const char* text) { return (int)strlen(text); }
