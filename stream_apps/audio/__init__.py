"""The audio chain, from waveform to rendition. It is pure: no Kafka, no store, no clock."""
