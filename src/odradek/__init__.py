"""Odradek: a Kafka broker in Python, by the protocol, the files and the manners of Apache Kafka."""

__version__ = "0.1.0"
