"""Clusters of processes: a real ZooKeeper, real Kafka 3.9.2 brokers and ours, and faults between them."""
