#include "log.h"

static Named first("user, first"), second("user, second");
static Registered registered("user");

Named& on_first_use() {
  static Named local("user, on first use");
  return local;
}
