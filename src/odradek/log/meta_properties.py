"""meta.properties: whose log directory this is.

A Java properties file with an empty comment and a date at its head, in the order of Java's hash table:

    broker.id=0         in version 1 (KRaft): node.id
    directory.id=…      only after a migration, or in version 1 (KIP-858)
    version=0
    cluster.id=MkU3OEVBNTcwNTJENDM2Qg

Kafka: MetaProperties, PropertiesUtils.
"""

from __future__ import annotations

import os
import time

from odradek.config.properties import MalformedProperties, parse_properties
from odradek.log.durable_files import replace_file
from odradek.value_object import value_object

FILE_NAME = "meta.properties"


class MalformedMetaProperties(Exception):
    """The file names no known version, or an id that is not one."""


@value_object
class MetaProperties:
    """The ids that a log directory was formatted for; None where the file does not say."""

    cluster_id: str | None
    node_id: int | None
    version: int = 0
    directory_id: str | None = None

    def format(self, now_ms: int) -> str:
        """The file's content, as `java.util.Properties.store` writes it at `now_ms`."""
        lines = ["#", "#" + java_date(now_ms)]
        values = {
            "broker.id" if self.version == 0 else "node.id": self.node_id,
            "directory.id": self.directory_id,
            "version": self.version,
            "cluster.id": self.cluster_id,
        }
        lines += [f"{name}={value}" for name, value in values.items() if value is not None]
        return "\n".join(lines) + "\n"

    @classmethod
    def parse(cls, text: str) -> MetaProperties:
        """Raises MalformedMetaProperties."""
        try:
            values = parse_properties(text)
            version = int(values.get("version", "0"))
            node_id = values.get("broker.id" if version == 0 else "node.id")
            if version not in (0, 1):
                raise ValueError(f"unknown version {version}")
            return cls(
                cluster_id=values.get("cluster.id"),
                node_id=None if node_id is None else int(node_id),
                version=version,
                directory_id=values.get("directory.id"),
            )
        except (MalformedProperties, ValueError) as error:
            raise MalformedMetaProperties(str(error)) from error


def read_meta_properties(log_dir: str) -> MetaProperties | None:
    """None where there is no such file. Raises OSError, MalformedMetaProperties."""
    try:
        with open(os.path.join(log_dir, FILE_NAME), encoding="utf-8") as file:
            return MetaProperties.parse(file.read())
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise MalformedMetaProperties(str(error)) from error


def write_meta_properties(log_dir: str, properties: MetaProperties, now_ms: int) -> None:
    """Raises OSError."""
    replace_file(os.path.join(log_dir, FILE_NAME), properties.format(now_ms))


def java_date(now_ms: int) -> str:
    """`java.util.Date.toString()` in UTC, whatever the locale."""
    moment = time.gmtime(now_ms // 1000)
    day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[moment.tm_wday]
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    clock = f"{moment.tm_hour:02d}:{moment.tm_min:02d}:{moment.tm_sec:02d}"
    return f"{day} {months[moment.tm_mon - 1]} {moment.tm_mday:02d} {clock} UTC {moment.tm_year}"
