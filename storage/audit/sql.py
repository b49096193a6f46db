"""Tables, views and statements of an audit's private database."""

# `id` is a request id everywhere, and a position is `topic[partition]@offset`.
#
# request          what the requests topics hold; `unread`: a worker will still read it
# result           distinct results; `engine` and `chain` number their fingerprints (0: no receipt),
#                  `times` counts identical ones, `has_campaign` is 0 if none could be read
# manifest_object  objects that manifests name, with the fault found in each
# listed_object    objects that the store listed
# list_row         rows of the staged list; `is_fed` says whether the cursor calls it fed
# stray            ids under the campaign's name that its list does not have, and where they are
# unaccounted      requests without an outcome that no worker will read again, with what is known
# campaign_result  results of the campaign, as they name it or as their request or list row is in it
# outcome          the first result of each request
# synthesised      results with audio that name the campaign
# differing        ids with results that differ. Queries that compare results look at these alone:
#                  to sort the results of half a million requests takes 90 MiB.
# waiting          unread requests without an outcome
#
# The database has no other reader and need not outlive a crash. Its cache is 32 MiB: with 64, half
# a million requests take no less time.
SCHEMA = """
PRAGMA journal_mode=OFF;
PRAGMA synchronous=OFF;
PRAGMA cache_size=-32768;
CREATE TABLE request (
    id TEXT PRIMARY KEY, unread INTEGER, topic TEXT, position TEXT, timestamp_ms INTEGER
) WITHOUT ROWID;
CREATE TABLE result (
    seq INTEGER PRIMARY KEY, id TEXT, is_first INTEGER, has_campaign INTEGER, status TEXT,
    engine INTEGER, chain INTEGER, waveform BLOB, renditions BLOB, times INTEGER,
    UNIQUE (id, has_campaign, status, engine, chain, waveform, renditions)
);
CREATE TABLE manifest_object (
    uri TEXT, bytes INTEGER, sha256 TEXT, id TEXT, fault TEXT, got TEXT,
    PRIMARY KEY (uri, bytes, sha256)
) WITHOUT ROWID;
CREATE TABLE listed_object (uri TEXT PRIMARY KEY, bytes INTEGER) WITHOUT ROWID;
CREATE TABLE list_row (id TEXT PRIMARY KEY, row INTEGER, is_fed INTEGER) WITHOUT ROWID;
CREATE TABLE stray (id TEXT PRIMARY KEY, found TEXT) WITHOUT ROWID;
CREATE TABLE unaccounted (
    id TEXT PRIMARY KEY, timestamp_ms INTEGER, position TEXT, row INTEGER,
    audio_position TEXT, audio_unread INTEGER, dead_letter TEXT
) WITHOUT ROWID;
CREATE VIEW campaign_result AS SELECT * FROM result
    WHERE has_campaign OR id IN (SELECT id FROM request) OR id IN (SELECT id FROM list_row);
CREATE VIEW outcome AS SELECT * FROM campaign_result WHERE is_first;
CREATE VIEW synthesised AS SELECT * FROM result
    WHERE has_campaign AND status = 'succeeded' AND engine;
CREATE VIEW differing AS SELECT id FROM result GROUP BY id HAVING count(*) > 1;
CREATE VIEW waiting AS SELECT * FROM request WHERE unread AND id NOT IN (SELECT id FROM outcome);
"""
# One request may have several positions (sent again, fed again). It is unread if one is.
ADD_REQUEST = """
INSERT INTO request VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
    topic = iif(excluded.unread, excluded.topic, topic),
    position = iif(excluded.unread, excluded.position, position),
    unread = max(unread, excluded.unread),
    timestamp_ms = max(timestamp_ms, excluded.timestamp_ms)
"""
ADD_RESULT = """
INSERT INTO result
    (id, is_first, has_campaign, status, engine, chain, waveform, renditions, times)
    VALUES (?1, NOT EXISTS (SELECT 1 FROM result WHERE id = ?1), ?2, ?3, ?4, ?5, ?6, ?7, 1)
    ON CONFLICT DO UPDATE SET times = times + 1
"""
ADD_MANIFEST_OBJECT = """
INSERT OR IGNORE INTO manifest_object (uri, bytes, sha256, id) VALUES (?, ?, ?, ?)
"""
ADD_LISTED_OBJECT = "INSERT OR REPLACE INTO listed_object VALUES (?, ?)"
ADD_LIST_ROW = "INSERT OR IGNORE INTO list_row (is_fed, row, id) VALUES (?, ?, ?)"
# Results without a readable campaign are kept, too, to see whose they are: they are no strays.
SET_STRAYS_APART = (
    """
INSERT OR IGNORE INTO stray SELECT id, 'a request at ' || position FROM request
    WHERE id NOT IN (SELECT id FROM list_row)
""",
    "DELETE FROM request WHERE id NOT IN (SELECT id FROM list_row)",
    """
INSERT OR IGNORE INTO stray SELECT id, 'a result, ' || status FROM result
    WHERE has_campaign AND id NOT IN (SELECT id FROM list_row)
""",
    "DELETE FROM result WHERE id NOT IN (SELECT id FROM list_row)",
)
ADD_UNACCOUNTED_REQUESTS = """
INSERT INTO unaccounted (id, timestamp_ms, position) SELECT id, timestamp_ms, position FROM request
    WHERE NOT unread AND id NOT IN (SELECT id FROM outcome)
"""
ADD_UNACCOUNTED_ROWS = """
INSERT INTO unaccounted (id, row) SELECT id, row FROM list_row
    WHERE is_fed AND id NOT IN (SELECT id FROM request) AND id NOT IN (SELECT id FROM result)
"""
# Unread audio outweighs audio that was read: one of the two is enough to give an outcome.
SET_AUDIO = """
UPDATE unaccounted SET audio_position = ?, audio_unread = ? WHERE id = ? AND audio_unread IS NOT 1
"""
SET_DEAD_LETTER = "UPDATE unaccounted SET dead_letter = ? WHERE id = ?"
SET_FAULT = """
UPDATE manifest_object SET fault = ?, got = ? WHERE uri = ? AND bytes = ? AND sha256 = ?
"""
