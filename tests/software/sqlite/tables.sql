-- Extensions of virtual tables.
.load ./csv
CREATE VIRTUAL TABLE temp.cities USING csv(filename='tests/cities.csv', header=yes);
SELECT name, country, population FROM cities WHERE CAST(population AS INT) > 600000 ORDER BY CAST(population AS INT) DESC;
SELECT country, count(*), sum(population) FROM cities GROUP BY country ORDER BY country;
CREATE VIRTUAL TABLE temp.lines USING csv(data='1,"two, quoted",3
4,"five ""5""",', columns=3);
SELECT c0, c1, c2 FROM lines;
.load ./closure
CREATE TABLE tree(id INTEGER PRIMARY KEY, parent INTEGER);
CREATE INDEX tree_parent ON tree(parent);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) INSERT INTO tree SELECT i, i / 2 FROM n;
CREATE VIRTUAL TABLE ancestry USING transitive_closure(tablename='tree', idcolumn='id', parentcolumn='parent');
SELECT count(*), max(depth) FROM ancestry WHERE root = 1;
SELECT group_concat(id) FROM (SELECT id FROM ancestry WHERE root = 10 AND depth = 2 ORDER BY id);
.load ./amatch
CREATE TABLE vocabulary(word TEXT);
INSERT INTO vocabulary VALUES ('library'), ('liberty'), ('linker'), ('loader');
CREATE INDEX vocabulary_word ON vocabulary(word);
CREATE TABLE costs(iLang, cFrom, cTo, cost);
INSERT INTO costs VALUES (0, '', '?', 100), (0, '?', '', 100), (0, '?', '?', 150);
CREATE VIRTUAL TABLE close_to USING approximate_match(vocabulary_table=vocabulary, vocabulary_word=word, edit_distances=costs);
SELECT word, distance FROM close_to WHERE word MATCH 'libary' AND distance < 500 ORDER BY distance, word;
.load ./fuzzer
CREATE TABLE rules(ruleset, cFrom, cTo, cost);
INSERT INTO rules VALUES (0, 'c', 'k', 10), (0, 'a', 'o', 15), (0, 't', 'tt', 20);
CREATE VIRTUAL TABLE variants USING fuzzer(rules);
SELECT word, distance FROM variants WHERE word MATCH 'cat' AND distance < 60 ORDER BY distance, word;
.load ./spellfix
CREATE VIRTUAL TABLE spelling USING spellfix1;
INSERT INTO spelling(word) VALUES ('dynamic'), ('linking'), ('shared'), ('library'), ('relocation');
SELECT word, distance FROM spelling WHERE word MATCH 'liberry' AND top = 1;
SELECT editdist3('kitten', 'sitting'), spellfix1_phonehash('knight') = spellfix1_phonehash('night');
.load ./unionvtab
CREATE TABLE low(id INTEGER PRIMARY KEY, v); INSERT INTO low VALUES (1, 'a'), (2, 'b');
CREATE TABLE high(id INTEGER PRIMARY KEY, v); INSERT INTO high VALUES (11, 'k'), (12, 'l');
CREATE VIRTUAL TABLE temp.everything USING unionvtab("VALUES('main', 'low', 1, 10), ('main', 'high', 11, 20)");
SELECT group_concat(v) FROM everything WHERE id > 1;
.load ./stmt
SELECT sql LIKE '%sqlite_stmt%', ro FROM sqlite_stmt WHERE busy;
.load ./btreeinfo
SELECT type, name, hasRowid FROM sqlite_btreeinfo WHERE name LIKE '%vocabulary%' ORDER BY 2;
.load ./explain
SELECT count(*) > 3 FROM explain('SELECT * FROM tree WHERE id = 1');
