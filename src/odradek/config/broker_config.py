"""BrokerConfig: everything one broker is told, parsed and checked.

Layers, the later winning: Kafka's defaults, Odradek's own (`defaults`), what the operator set (file,
environment, command line), the cluster's dynamic default, this broker's dynamic configs. Immutable: a
change at run time makes another BrokerConfig (`with_dynamic`), handed to whoever subscribed.

Source: kafka.server.KafkaConfig, kafka.server.DynamicBrokerConfig.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

from odradek.config.broker_versions import NEWEST_WITH_ZOOKEEPER
from odradek.config.checks import check_static_values, check_values
from odradek.config.defaults import odradek_defaults
from odradek.config.definition import Definition, Value
from odradek.config.definitions import broker_definitions, broker_quota_definitions, own_definitions
from odradek.config.effects import has_effect
from odradek.config.listeners import (
    Listener,
    check_listener_names,
    parse_listeners,
    parse_security_protocols,
    split_list,
)
from odradek.config.release import DEFAULT_RELEASE, EMULATE, Release
from odradek.config.synonyms import broker_synonyms
from odradek.errors import InvalidConfig

# The getters below shadow these built-in names inside their class.
Integer: TypeAlias = int
Double: TypeAlias = float
Text: TypeAlias = str
Flag: TypeAlias = bool

_NOTHING: Mapping[str, str] = MappingProxyType({})


class BrokerConfig:
    """The configs of one broker. The getters take Kafka's names and raise KeyError for unknown ones."""

    __slots__ = ("_definitions", "_effective", "_values", "dynamic_broker", "dynamic_default", "explicit",
                 "release", "static")  # fmt: skip

    def __init__(
        self,
        properties: Mapping[str, str] = _NOTHING,
        *,
        dynamic_default: Mapping[str, str] = _NOTHING,
        dynamic_broker: Mapping[str, str] = _NOTHING,
    ) -> None:
        """Parse and check. Raises InvalidConfig, for the first name that is wrong.

        `properties` are the operator's: names Odradek does not know stay, and are listed by `unknown`.
        """
        self.release = Release.parse(properties[EMULATE]) if EMULATE in properties else DEFAULT_RELEASE
        self.explicit: Mapping[Text, Text] = MappingProxyType(dict(properties))
        static = odradek_defaults(properties, self.release) | dict(properties)
        _join_node_id(static)
        self.static: Mapping[Text, Text] = MappingProxyType(static)
        self.dynamic_default = MappingProxyType(dict(dynamic_default))
        self.dynamic_broker = MappingProxyType(dict(dynamic_broker))
        self._definitions: dict[Text, Definition] = {
            **broker_definitions(self.release),
            **own_definitions(),
        }
        self._effective = dict(self.static)
        for layer in (self.dynamic_default, self.dynamic_broker):
            override(self._effective, layer)
        self._values: dict[Text, Value] = {}
        for name in self._effective:
            if self.definition(name) is not None:
                self.value(name)
        check_values(self)
        if not self.dynamic_default and not self.dynamic_broker:
            check_static_values(self)

    def with_overrides(self, overrides: Mapping[Text, Text]) -> BrokerConfig:
        """The same broker told more by its operator."""
        return BrokerConfig(
            {**self.explicit, **overrides},
            dynamic_default=self.dynamic_default,
            dynamic_broker=self.dynamic_broker,
        )

    def with_dynamic(
        self, *, dynamic_default: Mapping[Text, Text], dynamic_broker: Mapping[Text, Text]
    ) -> BrokerConfig:
        """The same broker with other dynamic configs. Raises InvalidConfig when it cannot live with them."""
        return BrokerConfig(self.explicit, dynamic_default=dynamic_default, dynamic_broker=dynamic_broker)

    # -- values

    def value(self, name: Text) -> Value:
        """The parsed value of any config, None where it is not set and has no default."""
        try:
            return self._values[name]
        except KeyError:
            definition = self._definitions.get(name)
        text = self._effective.get(name)
        if definition is None:
            definition = broker_quota_definitions(self.release)[name]
            # A properties file has no such names.
            text = self.dynamic_broker.get(name, self.dynamic_default.get(name))
        value = definition.default_value() if text is None else definition.parse(text)
        self._values[name] = value
        return value

    def int(self, name: Text) -> Integer:
        """The value of a SHORT, INT or LONG that is set or has a default."""
        value = self.value(name)
        assert isinstance(value, Integer)
        return value

    def int_or_none(self, name: Text) -> Integer | None:
        return None if self.value(name) is None else self.int(name)

    def float(self, name: Text) -> Double:
        value = self.value(name)
        assert isinstance(value, Double)
        return value

    def listener_int(self, listener: Text, name: Text) -> Integer | None:
        """One listener's own value (`listener.name.<listener>.<name>`); None where it has none.

        Raises InvalidConfig.
        """
        own_name = f"listener.name.{listener.lower()}.{name}"
        text = self._effective.get(own_name)
        if text is None:
            return None
        try:
            value = self._definitions[name].parse(text)
        except InvalidConfig as refused:
            raise InvalidConfig(own_name, text, refused.allowed) from refused
        assert isinstance(value, Integer)
        return value

    def str(self, name: Text) -> Text:
        """The value of a STRING, CLASS or PASSWORD; empty when there is none."""
        value = self.value(name)
        assert value is None or isinstance(value, Text)
        return value or ""

    def bool(self, name: Text) -> Flag:
        value = self.value(name)
        assert isinstance(value, Flag)
        return value

    def list(self, name: Text) -> tuple[Text, ...]:
        """The elements of a LIST, or of a STRING that is a comma separated list; empty when there is none."""
        value = self.value(name)
        if isinstance(value, tuple):
            return value
        return split_list(self.str(name))

    # -- what is known

    @property
    def originals(self) -> Mapping[Text, Text]:
        """What is set, at whichever layer wins, by name; unknown names too."""
        return MappingProxyType(self._effective)

    @property
    def definitions(self) -> Mapping[Text, Definition]:
        """Kafka's and Odradek's definitions for this release."""
        return MappingProxyType(self._definitions)

    def definition(self, name: Text) -> Definition | None:
        """The definition of a broker config, also of one that exists only at run time."""
        return self._definitions.get(name) or broker_quota_definitions(self.release).get(name)

    @property
    def unknown(self) -> tuple[Text, ...]:
        """Names the operator set that this release does not have: kept, and worth a line in the log."""
        return tuple(sorted(name for name in self.explicit if self._base_definition(name) is None))

    @property
    def without_effect(self) -> tuple[Text, ...]:
        """Names the operator set that Odradek accepts and ignores: worth a line in the log."""
        return tuple(
            sorted(
                name
                for name in self.explicit
                if self._base_definition(name) is not None and not has_effect(name)
            )
        )

    def _base_definition(self, name: Text) -> Definition | None:
        for synonym in broker_synonyms(name, match_listener_override=True):
            if definition := self.definition(synonym):
                return definition
        return None

    # -- who and where

    @property
    def node_id(self) -> Integer:
        """`node.id` or `broker.id`, which are one; -1 when the cluster is to choose it."""
        return self.int("broker.id")

    @property
    def inter_broker_protocol_version(self) -> Text:
        """The config of this name; that of 3.9 where a release without ZooKeeper has none."""
        name = "inter.broker.protocol.version"
        return self.str(name) if name in self.definitions else NEWEST_WITH_ZOOKEEPER

    @property
    def log_dirs(self) -> tuple[Text, ...]:
        """`log.dirs`, or `log.dir`, as written."""
        return self.list("log.dirs") or self.list("log.dir")

    @property
    def security_protocols(self) -> dict[Text, Text]:
        """Listener name → security protocol. In KRaft mode, unmapped controller listeners are PLAINTEXT."""
        name = "listener.security.protocol.map"
        protocols = parse_security_protocols(name, self.str(name))
        in_kraft_mode = self.list("process.roles") or not self.release.zookeeper
        if in_kraft_mode and name not in self.explicit:
            check_listener_names("listeners", self.list("listeners"))
            for controller in self._controller_listener_names:
                protocols.setdefault(controller, "PLAINTEXT")
        return protocols

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """Where to accept connections: `listeners` without those of a KRaft controller."""
        every = parse_listeners("listeners", ",".join(self.list("listeners")), self.security_protocols)
        return tuple(each for each in every if each.name not in self._controller_listener_names)

    @property
    def advertised_listeners(self) -> tuple[Listener, ...]:
        """What clients are told: `advertised.listeners`, or `listeners`, without a controller's.

        A port of 0 is still 0 here, and a host None: only the bound socket knows them.
        """
        name = "advertised.listeners"
        if not self.list(name):
            return self.listeners
        text = ",".join(self.list(name))
        every = parse_listeners(name, text, self.security_protocols, distinct_ports=False)
        return tuple(each for each in every if each.name not in self._controller_listener_names)

    @property
    def inter_broker_listener_name(self) -> Text:
        """`inter.broker.listener.name`, or the name of `security.inter.broker.protocol`."""
        return (self.str("inter.broker.listener.name") or self.str("security.inter.broker.protocol")).upper()

    @property
    def control_plane_listener_name(self) -> Text:
        """Where controllers and brokers talk: `control.plane.listener.name`, or the inter-broker listener."""
        name = "control.plane.listener.name"
        own = self.str(name) if name in self._definitions else ""
        return own.upper() or self.inter_broker_listener_name

    @property
    def _controller_listener_names(self) -> frozenset[Text]:
        return frozenset(name.upper() for name in self.list("controller.listener.names"))


def override(properties: dict[Text, Text], layer: Mapping[Text, Text]) -> None:
    """Put a layer over properties: a synonym set below gives way, whatever its own precedence."""
    for name, text in layer.items():
        for synonym in broker_synonyms(name, match_listener_override=False):
            properties.pop(synonym, None)
        properties[name] = text


def _join_node_id(properties: dict[Text, Text]) -> None:
    """Give `node.id` and `broker.id` each other's value; both may be set if they agree."""
    node_id, broker_id = properties.get("node.id"), properties.get("broker.id")
    if node_id is None and broker_id is not None:
        properties["node.id"] = broker_id
    elif broker_id is None and node_id is not None:
        properties["broker.id"] = node_id
