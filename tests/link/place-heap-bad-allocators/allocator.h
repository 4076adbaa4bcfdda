extern char* victim;

void behave(const char* how_malloc, const char* how_free);
