char data[1000] = {3};
