"""Clients in every language, each a small program with its own package manager, judged feat by feat.

A client is a folder with a `client.toml` (see `compat.clients.client`). The runner builds it once, runs its
program against real Kafka and against Odradek, and reads one JSON line for each feat of
`compat.clients.feats`.
"""
