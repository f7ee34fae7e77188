"""Whole clusters in one process, with time, faults and the wire in the hands of whoever tests.

`Machine` makes what the operating system gives a function of a seed; `SimulatedCluster` runs brokers on a
simulated network, ensemble and disk under trio's MockClock. Nothing here is used by a broker that serves.
"""
