// SQLite on a database in memory: inserts, an index, a join with aggregates, an update, a delete. A large program with
// a bytecode interpreter of its own. Built with SQLITE_OS_OTHER, so that nothing of it depends on a file system.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"
#include "sqlite3.h"

// A file system in which no file can be opened, on a machine whose time and randomness never change.
static int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* flags_out) {
  return SQLITE_CANTOPEN;
}
static int delete_file(sqlite3_vfs* vfs, const char* name, int sync) {
  return SQLITE_OK;
}
static int access_file(sqlite3_vfs* vfs, const char* name, int flags, int* result) {
  *result = 0;
  return SQLITE_OK;
}
static int full_pathname(sqlite3_vfs* vfs, const char* name, int size, char* result) {
  strncpy(result, name, size);
  return SQLITE_OK;
}
static int randomness(sqlite3_vfs* vfs, int size, char* result) {
  memset(result, 42, size);
  return size;
}
static int sleep_microseconds(sqlite3_vfs* vfs, int microseconds) {
  return 0;
}
static int current_time(sqlite3_vfs* vfs, double* julian_day) {
  *julian_day = 2460000.5;
  return SQLITE_OK;
}
static int last_error(sqlite3_vfs* vfs, int size, char* result) {
  return 0;
}

static sqlite3_vfs no_files = {.iVersion = 1,
                               .szOsFile = sizeof(sqlite3_file),
                               .mxPathname = 512,
                               .zName = "none",
                               .xOpen = open_file,
                               .xDelete = delete_file,
                               .xAccess = access_file,
                               .xFullPathname = full_pathname,
                               .xRandomness = randomness,
                               .xSleep = sleep_microseconds,
                               .xCurrentTime = current_time,
                               .xGetLastError = last_error};

int sqlite3_os_init(void) {
  return sqlite3_vfs_register(&no_files, 1);
}
int sqlite3_os_end(void) {
  return SQLITE_OK;
}

static void execute(sqlite3* database, const char* statements) {
  char* message = NULL;
  if (sqlite3_exec(database, statements, NULL, NULL, &message) != SQLITE_OK) {
    printf("error: %s\n", message ? message : "?");
    exit(1);
  }
}

static long long one_round(void) {
  start_clock();
  sqlite3* database;
  if (sqlite3_open(":memory:", &database) != SQLITE_OK) {
    exit(1);
  }
  execute(database,
          "create table t(a integer primary key, b int, c text);"
          "create table u(b int, d real);"
          "begin");
  sqlite3_stmt* statement;
  sqlite3_prepare_v2(database, "insert into t(b, c) values(?, ?)", -1, &statement, NULL);
  unsigned state = 7;
  char text[40];
  for (int i = 0; i < 20000; i++) {
    state = state * 1664525 + 1013904223;
    sqlite3_bind_int(statement, 1, (state >> 8) % 1000);
    snprintf(text, sizeof text, "row number %u", state >> 4);
    sqlite3_bind_text(statement, 2, text, -1, SQLITE_TRANSIENT);
    sqlite3_step(statement);
    sqlite3_reset(statement);
  }
  sqlite3_finalize(statement);
  execute(database,
          "commit;"
          "create index ti on t(b);"
          "insert into u select distinct b, b * 1.5 from t;");
  sqlite3_prepare_v2(database,
                     "select t.b, count(*), sum(length(c)), max(c), avg(d) from t join u on t.b = u.b"
                     " where c like '%7%' group by t.b order by 2 desc",
                     -1, &statement, NULL);
  long long check = 0;
  while (sqlite3_step(statement) == SQLITE_ROW) {
    check += sqlite3_column_int(statement, 1) + sqlite3_column_int(statement, 2);
  }
  sqlite3_finalize(statement);
  execute(database,
          "update t set c = upper(c) || b where b % 3 = 0;"
          "delete from t where b % 7 = 1;");
  sqlite3_close(database);
  stop_clock();
  return check;
}
