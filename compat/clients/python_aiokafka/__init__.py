"""aiokafka does the feats of `compat.clients`."""
