-- SQLite's full-text search as an extension: a large library, in a database that is a file.
.load ./fts5
.open scratch/database
.load ./fts5 sqlite3_fts5_init
CREATE VIRTUAL TABLE docs USING fts5(title, body, tokenize = 'porter unicode61');
INSERT INTO docs VALUES ('Linking', 'A linker combines objects; a dynamic linker does so when the program runs.'),
  ('Loading', 'The loader maps libraries and relocates them.'), ('Über', 'Größe, naïve, café: diacritics are removed.');
SELECT title, snippet(docs, 1, '[', ']', '...', 6) FROM docs WHERE docs MATCH 'linkers' ORDER BY rank;
SELECT title, highlight(docs, 1, '<', '>') FROM docs WHERE docs MATCH 'body: NEAR(librar* relocates, 3)';
SELECT title FROM docs WHERE docs MATCH 'cafe OR uber';
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
  INSERT INTO docs SELECT 'doc ' || i, 'word' || (i % 17) || ' word' || (i % 5) FROM n;
WITH found AS MATERIALIZED (SELECT title, bm25(docs) AS score FROM docs WHERE docs MATCH 'word3 AND word13')
  SELECT count(*), min(title), round(sum(score), 3) FROM found;
DELETE FROM docs WHERE title MATCH '"doc 100"';
INSERT INTO docs(docs) VALUES ('optimize');
INSERT INTO docs(docs) VALUES ('integrity-check');
SELECT count(*) FROM docs;
CREATE VIRTUAL TABLE terms USING fts5vocab(docs, row);
SELECT term, doc, cnt FROM terms ORDER BY cnt DESC, term LIMIT 4;
