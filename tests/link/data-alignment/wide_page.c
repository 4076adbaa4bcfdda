_Alignas(65536) char wide_page[65536];
