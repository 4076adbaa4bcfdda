char other[300000] = {1};
