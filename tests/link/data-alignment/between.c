char between = 9;
