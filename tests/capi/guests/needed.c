int needed_data = 5;
int from_needed(void) { return needed_data + 30; }
