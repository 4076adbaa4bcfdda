-- expect: exit 1
-- expect: stderr absent
-- expect: stderr no_such_entry
-- expect: stderr not-a-library
.load ./absent
.load ./sha1 no_such_entry
.load ./not-a-library.so
SELECT sha1('not there');
.load ./sha1
SELECT sha1('there');
SELECT load_extension('./absent');
SELECT load_extension('./rot13') IS NULL, 'loaded';
SELECT rot13('there');
