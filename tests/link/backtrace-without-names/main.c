int outer(int number);

int main(void) {
  return outer(0);
}
