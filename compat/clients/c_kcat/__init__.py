"""kcat does the feats of `compat.clients`."""
