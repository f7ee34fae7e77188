"""confluent-kafka does the feats of `compat.clients`."""
