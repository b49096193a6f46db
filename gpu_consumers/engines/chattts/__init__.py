"""ChatTTS in fixed slots: many utterances at once, and each the same bytes in any company."""
