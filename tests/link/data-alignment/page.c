_Alignas(4096) char page[4096];
