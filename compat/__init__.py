"""Judges Odradek against real Apache Kafka; never imported by the broker itself."""
