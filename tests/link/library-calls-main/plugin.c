int handle(int item);
extern int limit;
extern int handled;

void plugin(void) {
  while (handled < limit) {
    handle(handled * handled);
  }
  limit = -1;
}
