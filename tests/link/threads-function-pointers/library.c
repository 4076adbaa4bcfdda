// Functions that are in no table before somebody asks for their address.
#define FUNCTION(number)        \
  int f##number(int argument) { \
    return argument + number;   \
  }
#define EIGHT(tens)                                                                                           \
  FUNCTION(tens##0)                                                                                           \
  FUNCTION(tens##1) FUNCTION(tens##2) FUNCTION(tens##3) FUNCTION(tens##4) FUNCTION(tens##5) FUNCTION(tens##6) \
      FUNCTION(tens##7)
EIGHT(1)
EIGHT(2) EIGHT(3) EIGHT(4) EIGHT(5) EIGHT(6)

    int common(int argument);

static int through(int argument) {
  return common(argument) + 1;
}

// In the table from the beginning.
int (*in_data)(int) = through;
