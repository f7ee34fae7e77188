"""Real Kafka on this machine: fetched once, started on a free port, asked through its own tools.

Synchronous and built on child processes, so tests and scripts of any kind can use it.
"""
