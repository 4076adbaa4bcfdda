int provided_data = 5;

int provided(void) {
  return provided_data;
}
