"""From a file to requests: read rows, fill templates, check values."""
