"""Judging what concurrent clients of a cluster saw, in the manner of Jepsen's Kafka workload. Pure.

Clients write down every operation with the times between which it happened (``operations``), a reading of
each whole log at the end completes it (``history``), and ``check`` gives the anomalies that no correct Kafka
shows, whatever was killed, paused or cut off meanwhile.
Source: https://github.com/jepsen-io/redpanda (workload/queue).
"""
