"""What requests may name: device profiles, voices, and texts that can be spoken."""
