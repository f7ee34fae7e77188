"""How much is run: everything that makes a benchmark long or short."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """Sizes of all parts; `rounds` are counted, and one more comes before them to warm up."""

    rounds: int = 5
    large_bytes: int = 256 << 20
    """Payload of a load of 1 MB batches."""
    medium_bytes: int = 64 << 20
    """Payload of a load of 16 kB batches."""
    small_requests: int = 10_000
    """Requests of one record each."""
    connections: int = 16
    latency_seconds: int = 10
    client_records: int = 1_000_000
    """Records of 100 bytes for each real client."""
    moved_bytes: int = 1 << 30
    """What goes in and out before the memory "after" it is read."""
    topics: int = 1000
    idle_connections: int = 1000
    restart_partitions: int = 1000
    restart_bytes: int = 5_000_000_000
    growth: tuple[int, ...] = (1, 10, 100, 1000)


FULL = Plan()
QUICK = Plan(
    rounds=1,
    large_bytes=64 << 20,
    medium_bytes=16 << 20,
    small_requests=2000,
    latency_seconds=2,
    client_records=100_000,
    moved_bytes=64 << 20,
    topics=100,
    idle_connections=100,
    restart_partitions=100,
    restart_bytes=100_000_000,
    growth=(1, 10, 100),
)
"""Shows that everything works; its figures are worth nothing."""
