_Alignas(ALIGNED) char data[SIZE] = {1};
