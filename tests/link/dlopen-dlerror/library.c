int value = 1;
