char data[SIZE] = {1};
