int value = 42;
