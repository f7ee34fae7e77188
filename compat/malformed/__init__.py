"""What brokers make of requests that are wrong: valid frames, mutated, sent to real Kafka and to Odradek."""
