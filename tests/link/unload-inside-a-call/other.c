char other[1000000] = {1};
