"""Whether an engine still speaks as it did: replay, voice lock, golden utterances."""
