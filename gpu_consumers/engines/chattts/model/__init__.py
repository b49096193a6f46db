"""The ChatTTS model: tokens in, hidden states and samples out."""
