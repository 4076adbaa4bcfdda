char data[200000] = {1};
