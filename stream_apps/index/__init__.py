"""The indexer: results, campaigns and cursors into SQL, and the end of each list into objects."""
