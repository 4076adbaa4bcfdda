char data[50000] = {1};
