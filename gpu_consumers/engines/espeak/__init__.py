"""espeak-ng on the CPU: no weights and no GPU, and people understand its speech."""
