// The mix of work that CoreMark made the measure of small processors, written anew: lists of records that are searched,
// reversed and sorted; products of small integer matrices; a state machine that reads numbers from text; and a CRC over
// the results of all three, which is what keeps any of it from being optimised away.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"

enum { iterations = 6000 };

// ---- CRC-16, bit by bit ---------------------------------------------------------------------------------------------

static uint16_t crc_byte(uint8_t byte, uint16_t crc) {
  for (int i = 0; i < 8; i++) {
    unsigned carry = (byte ^ crc) & 1;
    byte >>= 1;
    crc >>= 1;
    if (carry) {
      crc ^= 0xa001;
    }
  }
  return crc;
}

static uint16_t crc_half(uint16_t value, uint16_t crc) {
  return crc_byte((uint8_t)(value >> 8), crc_byte((uint8_t)value, crc));
}

static uint16_t crc_word(uint32_t value, uint16_t crc) {
  return crc_half((uint16_t)(value >> 16), crc_half((uint16_t)value, crc));
}

// ---- Lists ----------------------------------------------------------------------------------------------------------

enum { records = 64 };

typedef struct Record {
  struct Record* next;
  int16_t key;
  int16_t place;
} Record;

static Record pool[records];

static Record* make_list(uint32_t seed) {
  for (int i = 0; i < records; i++) {
    seed = seed * 1103515245 + 12345;
    pool[i] = (Record){i + 1 < records ? &pool[i + 1] : NULL, (int16_t)(seed >> 16 & 0x3ff), (int16_t)i};
  }
  return pool;
}

static Record* find_key(Record* list, int16_t key) {
  while (list && list->key != key) {
    list = list->next;
  }
  return list;
}

static Record* reversed(Record* list) {
  Record* result = NULL;
  while (list) {
    Record* next = list->next;
    list->next = result;
    result = list;
    list = next;
  }
  return result;
}

typedef int (*Compare)(const Record*, const Record*);

static int by_key(const Record* left, const Record* right) {
  return left->key - right->key;
}
static int by_place(const Record* left, const Record* right) {
  return left->place - right->place;
}

// Merge sort from the bottom up, in place.
static Record* sorted(Record* list, Compare compare) {
  for (int width = 1;; width *= 2) {
    Record *left = list, *tail = NULL;
    int merges = 0;
    list = NULL;
    while (left) {
      merges++;
      Record* right = left;
      int left_size = 0, right_size = width;
      while (left_size < width && right) {
        left_size++;
        right = right->next;
      }
      while (left_size > 0 || (right_size > 0 && right)) {
        Record* taken;
        if (left_size > 0 && (right_size == 0 || !right || compare(left, right) <= 0)) {
          taken = left;
          left = left->next;
          left_size--;
        } else {
          taken = right;
          right = right->next;
          right_size--;
        }
        if (tail) {
          tail->next = taken;
        } else {
          list = taken;
        }
        tail = taken;
      }
      left = right;
    }
    tail->next = NULL;
    if (merges <= 1) {
      return list;
    }
  }
}

static uint16_t list_work(uint32_t seed, uint16_t crc) {
  Record* list = make_list(seed);
  for (int i = 0; i < 16; i++) {
    list = reversed(list);
    const Record* found = find_key(list, (int16_t)((seed + i * 67) & 0x3ff));
    crc = crc_half((uint16_t)(found ? found->place : list->key), crc);
  }
  list = sorted(list, by_key);
  for (const Record* record = list; record; record = record->next) {
    crc = crc_half((uint16_t)record->place, crc);
  }
  list = sorted(list, by_place);
  return crc_half((uint16_t)list->key, crc);
}

// ---- Matrices -------------------------------------------------------------------------------------------------------

enum { side = 12 };

static int16_t left_matrix[side][side], right_matrix[side][side];
static int32_t product[side][side];

static uint16_t sum_of_product(uint16_t crc) {
  uint32_t sum = 0;
  for (int row = 0; row < side; row++) {
    for (int column = 0; column < side; column++) {
      int32_t value = product[row][column];
      sum += value > 1000 ? 10u : (uint32_t)value;
    }
  }
  return crc_word(sum, crc);
}

static uint16_t matrix_work(uint32_t seed, uint16_t crc) {
  for (int row = 0; row < side; row++) {
    for (int column = 0; column < side; column++) {
      seed = seed * 69069 + 1;
      left_matrix[row][column] = (int16_t)(seed >> 20);
      right_matrix[row][column] = (int16_t)(seed >> 18 & 0xff);
    }
  }
  for (int row = 0; row < side; row++) {  // by a number
    for (int column = 0; column < side; column++) {
      product[row][column] = left_matrix[row][column] * (int16_t)seed;
    }
  }
  crc = sum_of_product(crc);
  for (int row = 0; row < side; row++) {  // by a vector
    int32_t sum = 0;
    for (int column = 0; column < side; column++) {
      sum += left_matrix[row][column] * right_matrix[0][column];
    }
    product[row][0] = sum;
  }
  crc = sum_of_product(crc);
  for (int row = 0; row < side; row++) {  // by a matrix, once whole and once only some bits of each term
    for (int column = 0; column < side; column++) {
      int32_t sum = 0, bits = 0;
      for (int i = 0; i < side; i++) {
        int32_t term = left_matrix[row][i] * right_matrix[i][column];
        sum += term;
        bits += (term >> 2 & 0xf) * (term >> 5 & 0x7f);
      }
      product[row][column] = sum ^ bits;
    }
  }
  return sum_of_product(crc);
}

// ---- A state machine ------------------------------------------------------------------------------------------------

typedef enum {
  at_start,
  after_sign,
  in_integer,
  after_point,
  after_exponent,
  after_exponent_sign,
  in_exponent,
  wrong
} State;
enum { states = wrong + 1 };

static const char numbers[] =
    "5012,1234.500,-110.700,+0.64400,+5.500e+3,-.1234e-10,5e2,7.,0x1f,1.2.3,-,998877,+33e,T0.3,-874.125E+7,42,"
    "0.0001,12e-4e,6.5,-2147483648,3.1415926,2e+,,1000000,-0.5E-3,77.77";

static int is_digit(char character) {
  return character >= '0' && character <= '9';
}

// Reads one number, up to the comma or the end; counts the states it goes through.
static const char* read_number(const char* text, uint32_t visits[states], State* result) {
  State state = at_start;
  for (; *text && *text != ','; text++) {
    char character = *text;
    switch (state) {
      case at_start:
        state = is_digit(character)                    ? in_integer
                : character == '+' || character == '-' ? after_sign
                : character == '.'                     ? after_point
                                                       : wrong;
        break;
      case after_sign:
        state = is_digit(character) ? in_integer : character == '.' ? after_point : wrong;
        break;
      case in_integer:
        state = is_digit(character)                    ? in_integer
                : character == '.'                     ? after_point
                : character == 'e' || character == 'E' ? after_exponent
                                                       : wrong;
        break;
      case after_point:
        state = is_digit(character) ? after_point : character == 'e' || character == 'E' ? after_exponent : wrong;
        break;
      case after_exponent:
        state = is_digit(character) ? in_exponent : character == '+' || character == '-' ? after_exponent_sign : wrong;
        break;
      case after_exponent_sign:
      case in_exponent:
        state = is_digit(character) ? in_exponent : wrong;
        break;
      case wrong:
        break;
    }
    visits[state]++;
  }
  *result = state;
  return *text ? text + 1 : text;
}

static uint16_t state_work(uint32_t seed, uint16_t crc) {
  char text[sizeof numbers];
  memcpy(text, numbers, sizeof text);
  for (int pass = 0; pass < 2; pass++) {
    uint32_t visits[states] = {0}, ends[states] = {0};
    for (const char* rest = text; *rest;) {
      State end;
      rest = read_number(rest, visits, &end);
      ends[end]++;
    }
    for (int i = 0; i < states; i++) {
      crc = crc_word(visits[i] << 8 ^ ends[i], crc);
    }
    for (unsigned i = seed % 7; i + 1 < sizeof text; i += 11) {  // damages some for the second pass
      if (text[i] != ',') {
        text[i] ^= (char)(1 + seed % 15);
      }
    }
  }
  return crc;
}

// ---------------------------------------------------------------------------------------------------------------------

static long long one_round(void) {
  uint16_t crc = 0;
  start_clock();
  for (uint32_t i = 0; i < iterations; i++) {
    crc = list_work(i ^ crc, crc);
    crc = matrix_work(i + crc, crc);
    crc = state_work(i ^ crc, crc);
  }
  stop_clock();
  return crc;
}
