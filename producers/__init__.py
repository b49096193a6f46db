"""From lists to requests on Kafka: each acknowledged, none sent twice."""
