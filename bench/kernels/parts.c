// Uses three of many libraries that gen_big.py wrote.
#include "mini.h"

extern int part3_entry(int a, int b), part50_entry(int a, int b), part97_entry(int a, int b);

PROGRAM {
  print_value("check", (uint32_t)(part3_entry(1, 2) + part50_entry(3, 4) + part97_entry(5, 6)));
  PROGRAM_END;
}
