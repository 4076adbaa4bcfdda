int needed(void);
int nowhere(void);

int use(void) {
  return needed() + nowhere();
}
