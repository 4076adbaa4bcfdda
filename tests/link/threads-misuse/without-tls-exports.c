// A library with a thread-local variable, linked by somebody who exports nothing of what makes it.
_Thread_local int value = 5;

int number(void) { return value; }
