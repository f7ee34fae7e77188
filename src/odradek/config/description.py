"""Description: configs as DescribeConfigs and CreateTopics show them.

Each with its value, where the value comes from, and every place that would give one, first the winning.
Source: kafka.server.ConfigHelper.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum

from odradek.config.broker_config import BrokerConfig
from odradek.config.definition import REQUIRED, UNKNOWN_TYPE, Definition, Update, write_value
from odradek.config.definitions import (
    client_metrics_definitions,
    group_definitions,
    topic_definitions,
)
from odradek.config.group_config import group_values
from odradek.config.synonyms import GROUP_SYNONYMS, TOPIC_SYNONYMS, broker_synonyms
from odradek.config.topic_config import topic_values
from odradek.value_object import value_object


class Source(IntEnum):
    """Where a value comes from; the numbers of DescribeConfigs."""

    TOPIC = 1
    DYNAMIC_BROKER = 2
    DYNAMIC_DEFAULT_BROKER = 3
    STATIC_BROKER = 4
    DEFAULT = 5
    DYNAMIC_BROKER_LOGGER = 6
    CLIENT_METRICS = 7
    GROUP = 8


@value_object
class Synonym:
    """One place that gives a value; secrets are None."""

    name: str
    value: str | None
    source: Source


@value_object
class Entry:
    """One described config. `type_id` is Type's number or UNKNOWN_TYPE."""

    name: str
    value: str | None
    source: Source
    read_only: bool = False
    sensitive: bool = False
    type_id: int = UNKNOWN_TYPE
    synonyms: tuple[Synonym, ...] = ()


def describe_broker(config: BrokerConfig) -> Iterator[Entry]:
    """Every config of a broker, as it is in force; unknown names that are set come too, hidden."""
    shown = [name for name, definition in config.definitions.items() if not definition.internal]
    for name in _each_once(config.originals, shown):
        if name.startswith("odradek.") and name not in config.originals:
            continue
        definition = _broker_definition(config, name)
        value = None
        if definition is not None and not definition.sensitive:
            known = name in config.definitions and not config.definitions[name].internal
            value = write_value(config.value(name)) if known else config.originals[name]
        yield _broker_entry(config, name, value, definition)


def describe_broker_default(config: BrokerConfig) -> Iterator[Entry]:
    """The cluster's dynamic default."""
    for name, text in config.dynamic_default.items():
        definition = _broker_definition(config, name)
        value = None if definition is None or definition.sensitive else text
        entry = _broker_entry(config, name, value, definition)
        kept = tuple(each for each in entry.synonyms if each.source is Source.DYNAMIC_DEFAULT_BROKER)
        yield Entry(
            name, value, Source.DYNAMIC_DEFAULT_BROKER, entry.read_only, entry.sensitive, entry.type_id, kept
        )


def describe_topic(config: BrokerConfig, overrides: Mapping[str, str]) -> Iterator[Entry]:
    """Every config of a topic. Raises InvalidConfig when what is stored for it cannot be read."""
    definitions = topic_definitions(config.release)
    values = topic_values(config, overrides)
    for name in _each_once(overrides.keys() - definitions.keys(), definitions):
        definition = definitions.get(name)
        if definition is not None and definition.internal and name not in overrides:
            continue
        sensitive = definition is None or definition.sensitive
        value = None if definition is None or sensitive else write_value(values[name])
        synonyms: tuple[Synonym, ...] = ()
        if behind := TOPIC_SYNONYMS.get(name):
            synonyms = _broker_synonyms(config, behind[0].name, hidden=sensitive)
        if name in overrides:
            synonyms = (Synonym(name, value, Source.TOPIC), *synonyms)
        source = synonyms[0].source if synonyms else Source.DEFAULT
        yield Entry(name, value, source, False, sensitive, _type_id(definition), synonyms)


def describe_group(config: BrokerConfig, overrides: Mapping[str, str]) -> Iterator[Entry]:
    """Every config of a group (4.0 and later)."""
    values = group_values(config, overrides)
    for name, definition in group_definitions(config.release).items():
        value = write_value(values[name])
        if name in GROUP_SYNONYMS:
            synonyms = _broker_synonyms(config, GROUP_SYNONYMS[name], hidden=False)
        else:
            default = write_value(definition.default_value())
            synonyms = (Synonym(name, default, Source.DEFAULT),)
        if name in overrides:
            synonyms = (Synonym(name, value, Source.GROUP), *synonyms)
        source = synonyms[0].source if synonyms else Source.DEFAULT
        yield Entry(name, value, source, False, False, _type_id(definition), synonyms)


def describe_client_metrics(config: BrokerConfig, overrides: Mapping[str, str]) -> Iterator[Entry]:
    """Every config of a client metrics subscription (4.0 and later)."""
    for name, definition in client_metrics_definitions(config.release).items():
        text = overrides.get(name)
        value = write_value(definition.default_value() if text is None else definition.parse(text))
        set_here = (Synonym(name, value, Source.CLIENT_METRICS),) if text is not None else ()
        source = Source.CLIENT_METRICS if set_here else Source.DEFAULT
        yield Entry(name, value, source, False, False, _type_id(definition), set_here)


def _broker_entry(config: BrokerConfig, name: str, value: str | None, definition: Definition | None) -> Entry:
    sensitive = definition is None or definition.sensitive
    synonyms = _broker_synonyms(config, name, hidden=sensitive)
    exact = config.definition(name)
    read_only = exact is None or exact.update is Update.READ_ONLY
    source = synonyms[0].source if synonyms else Source.DEFAULT
    return Entry(name, value, source, read_only, sensitive, _type_id(definition), synonyms)


def _broker_definition(config: BrokerConfig, name: str) -> Definition | None:
    """A broker config's definition, a listener's own config having that of the base config."""
    for candidate in (name, *broker_synonyms(name, match_listener_override=True)):
        if definition := config.definition(candidate):
            return definition
    return None


def _broker_synonyms(config: BrokerConfig, name: str, *, hidden: bool) -> tuple[Synonym, ...]:
    """Where a broker config's value may come from. What stands before `name` itself belongs to others."""
    names = broker_synonyms(name, match_listener_override=True)
    layers = (
        (Source.DYNAMIC_BROKER, config.dynamic_broker),
        (Source.DYNAMIC_DEFAULT_BROKER, config.dynamic_default),
        (Source.STATIC_BROKER, config.static),
        (Source.DEFAULT, _defaults(config, names)),
    )
    found = [
        Synonym(each, None if hidden else layer[each], source)
        for source, layer in layers
        for each in names
        if each in layer
    ]
    own = next((index for index, synonym in enumerate(found) if synonym.name == name), len(found))
    return tuple(found[own:])


def _defaults(config: BrokerConfig, names: Iterable[str]) -> dict[str, str]:
    """Those of some configs that have a default other than null."""
    definitions = {name: config.definitions[name] for name in names if name in config.definitions}
    return {
        name: definition.default
        for name, definition in definitions.items()
        if definition.default is not None and definition.default is not REQUIRED
    }


def _each_once(*groups: Iterable[str]) -> dict[str, None]:
    return dict.fromkeys(name for group in groups for name in group)


def _type_id(definition: Definition | None) -> int:
    return UNKNOWN_TYPE if definition is None else definition.type.value
