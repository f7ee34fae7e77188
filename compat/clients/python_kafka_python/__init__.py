"""kafka-python does the feats of `compat.clients`."""
