unsigned char in_library[16 << 20];
