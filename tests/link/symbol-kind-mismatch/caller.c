int thing(void);

int main(void) {
  return thing();
}
