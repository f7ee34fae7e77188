"""Conversations with a broker, one module for each API; ``compat.judge`` holds them with Kafka and us."""
