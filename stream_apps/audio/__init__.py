"""The pure chain from waveform to rendition: no Kafka, no store, no clock."""
