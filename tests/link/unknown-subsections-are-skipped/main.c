int value(void);

int main(void) {
  return value();
}
