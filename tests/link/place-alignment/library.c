_Alignas(ALIGNED) char data[100] = {1};
_Alignas(ALIGNED) char zeros[100];
