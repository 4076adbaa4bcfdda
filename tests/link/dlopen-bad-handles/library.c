int value = 4;
