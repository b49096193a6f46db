"""Which workers there are: each announces itself on a topic, and whoever asks reads that."""
