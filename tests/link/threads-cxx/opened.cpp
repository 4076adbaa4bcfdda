#include "shared.h"

static thread_local Noted only("opened's");

extern "C" int use_opened() {
  return ++only.uses;
}
