// Connections that load extensions by the C interface: each keeps its extensions loaded, errors leave nothing behind.
#include <dlfcn.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sqlite3* new_connection(void) {
  sqlite3* db;
  if (sqlite3_open(":memory:", &db)) {
    exit(2);
  }
  sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, NULL);
  return db;
}

static int row(void* data, int count, char** values, char** names) {
  (void)data, (void)names;
  for (int i = 0; i < count; i++) {
    printf("%s%s", i ? "|" : "", values[i] ? values[i] : "NULL");
  }
  putchar('\n');
  return 0;
}

static void query(sqlite3* db, const char* text) {
  char* error = NULL;
  if (sqlite3_exec(db, text, row, NULL, &error)) {
    printf("error: %s\n", error);
  }
  sqlite3_free(error);
  fflush(stdout);
}

// The system's own words go to stderr.
static void load(sqlite3* db, const char* file, const char* entry) {
  char* error = NULL;
  int status = sqlite3_load_extension(db, file, entry, &error);
  int own_words = error && (strstr(error, "no entry point") || strstr(error, "initialization"));
  printf("load %s %s: %d%s%s\n", file, entry ? entry : "-", status, own_words ? " " : "", own_words ? error : "");
  if (error && !own_words) {
    fprintf(stderr, "%s\n", error);
  }
  sqlite3_free(error);
  fflush(stdout);
}

static void look(const char* when, const char* file) {
  void* library = dlopen(file, RTLD_NOW | RTLD_NOLOAD);
  printf("%s: %s is %s\n", when, file, library ? "loaded" : "not loaded");
  if (library) {
    dlclose(library);
  }
  fflush(stdout);
}

int main(void) {
  sqlite3* db = new_connection();
  query(db, "SELECT own_times()");
  load(db, "./own.so", NULL);
  query(db, "SELECT own_times(), own_fail('why'), 1");
  query(db, "SELECT own_times(), own_query('SELECT ? || ?', 'a', 7), own_query('SELEC'), 1");
  query(db, "SELECT own_times(), own_query('SELECT own_query(''SELECT ?'', ?)', 5)");
  query(db,
        "CREATE TABLE t(a TEXT COLLATE backwards, b); INSERT INTO t VALUES('abc', 1), ('xyb', 1), ('zzza', 2), ('c', "
        "2), ('', 2);"
        "CREATE INDEX i ON t(a); SELECT group_concat(a) FROM (SELECT a FROM t ORDER BY a);"
        "SELECT b, own_longest(a) FROM t GROUP BY b;"
        "SELECT a, own_longest(a) OVER (ORDER BY a ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t");

  // A second connection has the same library, and its state.
  sqlite3* second = new_connection();
  load(second, "./own", NULL);  // without .so
  query(second, "SELECT own_times()");
  load(second, "./own", "sqlite3_own_init");
  query(second, "SELECT own_times()");
  sqlite3_close(second);
  look("the second is closed", "./own.so");
  query(db, "SELECT own_times()");
  sqlite3_close(db);
  look("both are closed", "./own.so");

  // What fails.
  db = new_connection();
  load(db, "./absent", NULL);
  load(db, "./not-a-library.so", NULL);
  load(db, "./own.so", "none_of_this_name");
  load(db, "./libz.so", NULL);
  load(db, "./own.so", "own_refuses");
  look("after failures", "./own.so");
  query(db, "SELECT own_times()");
  sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
  load(db, "./own.so", NULL);
  query(db, "SELECT load_extension('./own.so')");
  sqlite3_close(db);

  // In SQL: the connection's own query loads what its next one uses.
  db = new_connection();
  sqlite3_enable_load_extension(db, 1);
  query(db, "SELECT load_extension('./own'); SELECT own_times()");
  query(db, "SELECT load_extension('./own', 'own_refuses')");
  query(db,
        "SELECT load_extension('./wholenumber'); CREATE VIRTUAL TABLE n USING wholenumber;"
        "SELECT sum(value) FROM n WHERE value BETWEEN 1 AND 1000");
  query(
      db,
      "SELECT load_extension('./regexp'); SELECT 'abcdef' REGEXP '^a.*f$', 'abc' REGEXP '(', 'x1y22' REGEXP '\\d{2}'");
  query(db, "SELECT load_extension('./series'); SELECT group_concat(value) FROM generate_series(5, 30, 5)");
  query(db, "SELECT load_extension('./decimal'); SELECT decimal_mul('1234567890.123', '98765.4321')");
  query(db, "SELECT load_extension('./ieee754'); SELECT ieee754(45.25), ieee754(181, -2)");
  query(db, "SELECT load_extension('./shathree'); SELECT hex(sha3('abc', 256))");

  // An extension that wants to stay, and one that every connection from now on has.
  load(db, "./own.so", "own_stays");
  sqlite3_close(db);
  look("it stays", "./own.so");
  void* own = dlopen("./own.so", RTLD_NOW);
  sqlite3_auto_extension((void (*)(void))dlsym(own, "sqlite3_own_init"));
  for (int i = 0; i < 3; i++) {
    db = new_connection();
    query(db, "SELECT own_times() > 1");
    sqlite3_close(db);
  }
  sqlite3_reset_auto_extension();
  dlclose(own);

  // Many connections, one after the other; many at once.
  for (int i = 0; i < 100; i++) {
    db = new_connection();
    sqlite3_load_extension(db, "./rot13", NULL, NULL);
    if (sqlite3_exec(db, "CREATE TABLE t(a CHECK (rot13(a) = 'Uryyb')); INSERT INTO t VALUES('Hello')", NULL, NULL,
                     NULL)) {
      return 1;
    }
    sqlite3_close(db);
  }
  look("100 connections", "./rot13.so");
  sqlite3* many[100];
  for (int i = 0; i < 100; i++) {
    many[i] = new_connection();
    sqlite3_load_extension(many[i], i % 2 ? "./rot13" : "./uuid.so", NULL, NULL);
  }
  look("100 at once", "./rot13.so");
  query(many[99], "SELECT rot13('Uryyb')");
  query(many[98], "SELECT length(uuid())");
  for (int i = 0; i < 100; i++) {
    sqlite3_close(many[i]);
  }
  look("after them", "./rot13.so");
  puts("done");
  return 0;
}
