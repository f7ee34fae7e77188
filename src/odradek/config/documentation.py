"""What each config is for, in one sentence: DescribeConfigs' documentation (KIP-569).

In our own words; `documentation_texts` holds them. Sentences that follow from others are put together here:
a broker config that gives a topic or group its default, a bound of a group config.
"""

from __future__ import annotations

import re
from functools import cache

from odradek.config.synonyms import GROUP_SYNONYMS, HOURS_MS, MINUTES_MS, TOPIC_SYNONYMS

_BOUND = re.compile(r"group\.(consumer|share|streams)\.(min|max)\.(.+)")
_UNITS = {1: "", MINUTES_MS: " in minutes", HOURS_MS: " in hours"}


def documentation(scope: str, name: str) -> str | None:
    """The sentence for a config of a scope (TOPIC, BROKER, GROUP, CLIENT_METRICS), or None for no config."""
    return _texts(scope).get(name) or (_derived(name) if scope == "BROKER" else None)


@cache
def _texts(scope: str) -> dict[str, str]:
    from odradek.config import documentation_texts

    return documentation_texts.TEXTS.get(scope, {})


@cache
def _derived(name: str) -> str | None:
    for topic_config, synonyms in TOPIC_SYNONYMS.items():
        for synonym in synonyms:
            if synonym.name == name:
                text = _texts("TOPIC")[topic_config]
                return f"Default of the topic config {topic_config}{_UNITS[synonym.factor]}: {text}"
    for group_config, broker_config in GROUP_SYNONYMS.items():
        if broker_config == name:
            return f"Default of the group config {group_config}: {_texts('GROUP')[group_config]}"
    if match := _BOUND.fullmatch(name):
        kind, bound, rest = match.groups()
        adjective = "Smallest" if bound == "min" else "Largest"
        return f"{adjective} {kind}.{rest} that the broker accepts."
    if name.startswith("zookeeper.ssl."):
        return f"TLS between this broker and ZooKeeper: {name.removeprefix('zookeeper.ssl.')}."
    return None
