"""The side-by-side benchmark: the same pre-encoded load on Odradek and on real Kafka, in turns, as ratios."""
