#ifdef WHOLE
int absent_number = 1;
#endif
int something_else;
