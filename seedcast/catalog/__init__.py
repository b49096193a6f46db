"""What a request may contain: device profiles, named voices, and texts that can be spoken."""
