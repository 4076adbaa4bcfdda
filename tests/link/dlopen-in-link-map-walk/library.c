int value = NUMBER;
