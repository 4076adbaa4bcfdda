-- Extensions of functions: each entry point is found by the file's name.
.load ./sha1
SELECT sha1('abc'), sha1(x'00ff'), sha1(NULL);
CREATE TABLE t(a, b);
INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3.5, NULL);
SELECT sha1_query('SELECT * FROM t ORDER BY a');
.load ./rot13
SELECT rot13('Hello, World'), rot13(rot13('Hello'));
SELECT b FROM t ORDER BY b COLLATE rot13;
.load ./uuid.so
SELECT length(uuid()), uuid_str('a0eebc999c0b4ef8bb6d6bb9bd380a11'), hex(uuid_blob('{a0eebc99-9c0b4ef8-bb6d-6bb9bd380a11}')), uuid_str('no');
SELECT count(DISTINCT uuid()) FROM t;
.load ./percentile
SELECT percentile(a, 50), percentile(a, 0), percentile(a, 95) FROM t;
.load ./totype
SELECT tointeger('12'), tointeger('12.5'), toreal('1e3'), toreal('x'), tointeger(x'0102030405060708');
.load ./zorder
SELECT zorder(3, 5), unzorder(zorder(3, 5), 2, 0), unzorder(zorder(3, 5), 2, 1);
.load ./eval
SELECT eval('SELECT a FROM t', '; '), eval('SELECT count(*) FROM t');
.load ./nextchar
CREATE TABLE words(w TEXT PRIMARY KEY);
INSERT INTO words VALUES ('car'), ('cart'), ('cat'), ('dog');
SELECT next_char('ca', 'words', 'w');
.load ./compress
SELECT length(compress(printf('%.*c', 10000, 'x'))) < 100, uncompress(compress('what was compressed')), length(uncompress(compress(zeroblob(100000))));
.load ./fossildelta
SELECT delta_apply('the quick brown fox jumps over the lazy dog', delta_create('the quick brown fox jumps over the lazy dog', 'the quick brown cat jumps over the lazy dog'));
.load ./own
SELECT own_times(), own_longest(b), own_query('SELECT max(rot13(b)) FROM t') FROM t;
