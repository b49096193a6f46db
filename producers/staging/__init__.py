"""From requests to Kafka: each acknowledged, each sent once."""
