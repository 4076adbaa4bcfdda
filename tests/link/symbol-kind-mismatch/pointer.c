int thing(void);
int (*volatile pointer)(void) = thing;

int main(void) {
  return pointer();
}
