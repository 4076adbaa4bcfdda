int nobody_has_this(void);
int call_missing(void) { return nobody_has_this(); }
