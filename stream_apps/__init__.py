"""From waveforms to delivered renditions: a Faust app around a pure chain."""
