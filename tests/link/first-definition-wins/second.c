const char* who(void) {
  return "second";
}

int number = 2;

const char* who_from_second(void) {
  // Through a pointer, because the static linker binds a call to one's own strong definition.
  const char* (*volatile pointer)(void) = who;
  return pointer();
}
