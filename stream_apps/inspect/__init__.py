"""Shows what post-processing did to one waveform, in words and as a picture."""
