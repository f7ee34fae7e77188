"""What every client is asked to do: the one list of feats, in the order in which the grid shows them.

A program knows a feat by its name. What a client cannot do at all (kcat has no admin) its `client.toml` says
under `[lacks]`; whatever is neither there nor reported by the program counts as failed.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Feat:
    """One thing that users do with Kafka."""

    name: str
    section: str
    title: str


def _section(section: str, **titles: str) -> tuple[Feat, ...]:
    return tuple(Feat(name.replace("_", "-"), section, title) for name, title in titles.items())


FEATS: Final[tuple[Feat, ...]] = (
    *_section(
        "Produce",
        produce_acks_0="acks=0: answered by nobody, consumed all the same",
        produce_acks_1="acks=1",
        produce_acks_all="acks=all",
        produce_gzip="gzip",
        produce_snappy="snappy",
        produce_lz4="lz4",
        produce_zstd="zstd",
        produce_keys="records of a key stay in one partition, in order",
        produce_headers="headers, repeated and empty ones too",
        produce_timestamps="timestamps set by the producer",
        produce_empty_and_null="empty and null keys and values",
        produce_1mb="a record of 1 MB",
        produce_idempotent="an idempotent producer, batches in flight",
    ),
    *_section(
        "Consume",
        consume_from_beginning="from the beginning",
        consume_from_offset="from an offset",
        consume_from_time="from a time",
        consume_pause="pause a partition, resume it",
        consume_seek="seek back and forth",
    ),
    *_section(
        "Groups",
        group_join="three members share the partitions",
        group_leave="one of three leaves",
        group_crash="one of three stops heartbeating",
        group_static="a static member returns without a rebalance",
        group_range="range assignor",
        group_roundrobin="round robin assignor",
        group_sticky="sticky assignor",
        group_cooperative_sticky="cooperative sticky assignor",
        group_commit="commit, restart and go on",
        group_consumer_protocol="the group protocol of KIP-848",
    ),
    *_section(
        "Admin",
        admin_create_topic="create a topic with partitions and configs",
        admin_describe_topic="describe a topic and its configs",
        admin_alter_configs="alter a topic's configs",
        admin_add_partitions="add partitions",
        admin_delete_records="delete records",
        admin_delete_topic="delete a topic",
        admin_list_groups="list groups",
        admin_describe_group="describe a group's members and assignment",
        admin_reset_offsets="reset a group's offsets",
        admin_delete_group="delete a group",
    ),
    *_section(
        "Transactions",
        transaction_commit="read committed sees what was committed",
        transaction_abort="read committed never sees what was aborted",
        transaction_offsets="consume, transform, produce: offsets in the transaction",
    ),
    *_section(
        "Frameworks",
        streams_word_count="Streams: stateful word count over a repartition and a changelog topic",
        streams_restore="Streams: state restored from the changelog by a second instance",
        connect_source="Connect: file source to topic",
        connect_sink="Connect: topic to file sink",
        connect_restart="Connect: a restart goes on where it stopped",
    ),
)

NAMES: Final[frozenset[str]] = frozenset(feat.name for feat in FEATS)
FRAMEWORK_FEATS: Final[frozenset[str]] = frozenset(
    feat.name for feat in FEATS if feat.section == "Frameworks"
)
"""What only Streams and Connect are asked for."""
