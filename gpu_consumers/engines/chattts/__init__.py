"""ChatTTS in fixed slots: many utterances at once, each with the same bytes in every batch."""
