// An extension with what an extension can have: functions, an aggregate, a window function, a collation, a hook that is
// called as long as the library is there, and several entry points.
#include <sqlite3ext.h>
#include <stdio.h>
#include <string.h>
SQLITE_EXTENSION_INIT1

static int loaded;  // how many connections have it

__attribute__((destructor)) static void unload(void) {
  printf("own unloaded, loaded %d times\n", loaded);
  fflush(stdout);
}

static void gone(void* name) {
  printf("function %s is gone\n", (const char*)name);
  fflush(stdout);
}

static void times(sqlite3_context* context, int count, sqlite3_value** values) {
  (void)count, (void)values;
  sqlite3_result_int(context, loaded);
}

static void fail(sqlite3_context* context, int count, sqlite3_value** values) {
  char* text =
      sqlite3_mprintf("%s: %s", (const char*)sqlite3_user_data(context), count ? sqlite3_value_text(values[0]) : NULL);
  sqlite3_result_error(context, text, -1);
  sqlite3_free(text);
}

// The longest text so far, in a group or a window.
struct Longest {
  int length, steps;
};

static void longest_step(sqlite3_context* context, int count, sqlite3_value** values) {
  (void)count;
  struct Longest* longest = sqlite3_aggregate_context(context, sizeof *longest);
  int length = sqlite3_value_bytes(values[0]);
  if (length > longest->length) {
    longest->length = length;
  }
  longest->steps++;
}

static void longest_inverse(sqlite3_context* context, int count, sqlite3_value** values) {
  (void)count, (void)values;
  struct Longest* longest = sqlite3_aggregate_context(context, sizeof *longest);
  longest->steps--;
}

static void longest_value(sqlite3_context* context) {
  struct Longest* longest = sqlite3_aggregate_context(context, 0);
  if (longest) {
    sqlite3_result_int(context, longest->length * 100 + longest->steps);
  }
}

// By the last character first.
static int backwards(void* data, int a_length, const void* a, int b_length, const void* b) {
  (void)data;
  const char *a_at = (const char*)a + a_length, *b_at = (const char*)b + b_length;
  while (a_at > (const char*)a && b_at > (const char*)b) {
    if (*--a_at != *--b_at) {
      return *a_at - *b_at;
    }
  }
  return a_length - b_length;
}

// With -1 for any number of arguments, and a query of its own while the outer one runs.
static void query(sqlite3_context* context, int count, sqlite3_value** values) {
  sqlite3_stmt* statement;
  if (sqlite3_prepare_v2(sqlite3_context_db_handle(context), (const char*)sqlite3_value_text(values[0]), -1, &statement,
                         NULL)) {
    sqlite3_result_error(context, sqlite3_errmsg(sqlite3_context_db_handle(context)), -1);
    return;
  }
  for (int i = 1; i < count; i++) {
    sqlite3_bind_value(statement, i, values[i]);
  }
  if (sqlite3_step(statement) == SQLITE_ROW) {
    sqlite3_result_value(context, sqlite3_column_value(statement, 0));
  }
  sqlite3_finalize(statement);
}

int sqlite3_own_init(sqlite3* db, char** error, const sqlite3_api_routines* api) {
  SQLITE_EXTENSION_INIT2(api);
  (void)error;
  loaded++;
  int status = sqlite3_create_function_v2(db, "own_times", 0, SQLITE_UTF8, "own_times", times, NULL, NULL, gone);
  if (!status) {
    status = sqlite3_create_function(db, "own_fail", -1, SQLITE_UTF8, "it fails", fail, NULL, NULL);
  }
  if (!status) {
    status = sqlite3_create_function(db, "own_query", -1, SQLITE_UTF8, NULL, query, NULL, NULL);
  }
  if (!status) {
    status = sqlite3_create_window_function(db, "own_longest", 1, SQLITE_UTF8, NULL, longest_step, longest_value,
                                            longest_value, longest_inverse, NULL);
  }
  if (!status) {
    status = sqlite3_create_collation(db, "backwards", SQLITE_UTF8, NULL, backwards);
  }
  return status;
}

int own_refuses(sqlite3* db, char** error, const sqlite3_api_routines* api) {
  SQLITE_EXTENSION_INIT2(api);
  *error = sqlite3_mprintf("not today, connection with %d changes", sqlite3_total_changes(db));
  return SQLITE_ERROR;
}

int own_stays(sqlite3* db, char** error, const sqlite3_api_routines* api) {
  int status = sqlite3_own_init(db, error, api);
  return status ? status : SQLITE_OK_LOAD_PERMANENTLY;
}
