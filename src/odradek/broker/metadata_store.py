"""The store that a configuration names: the ensemble of `zookeeper.connect`, or a file beside the logs."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from odradek.broker.identity import CannotStart
from odradek.config.broker_config import BrokerConfig
from odradek.coordination.embedded import EmbeddedStore
from odradek.coordination.store import MetadataStore, SessionExpired, StoreUnavailable
from odradek.metadata import paths

if TYPE_CHECKING:
    from odradek.coordination.zookeeper.store import ZooKeeperStore

STORE_FILE = "odradek-metadata.sqlite"
"""The embedded store, in the first log directory; Kafka looks at directories there only."""

_CLOSE_S = 30
"""How long the file may take to be closed before that is given up."""


@asynccontextmanager
async def open_store(config: BrokerConfig) -> AsyncIterator[MetadataStore]:
    """A session with the store. Raises CannotStart, InvalidConfig."""
    if config.static.get("zookeeper.connect"):
        async with _zookeeper_store(config) as ensemble:
            yield ensemble
    else:
        async with _embedded_store(config) as embedded:
            yield embedded


def has_file(config: BrokerConfig) -> bool:
    """Whether there are metadata beside the logs."""
    return Path(config.log_dirs[0], STORE_FILE).exists()


async def refuse_to_forget(store: MetadataStore, config: BrokerConfig) -> None:
    """Raise CannotStart when an ensemble knows no cluster yet, and the metadata beside the logs know one.

    The controller of a cluster without topics would have the logs of all of them deleted.
    """
    if not config.static.get("zookeeper.connect") or not has_file(config):
        return
    if not await store.exists(paths.CLUSTER_ID):
        raise CannotStart(
            f"This broker's metadata are in a file of {config.log_dirs[0]}, and there are none in "
            "zookeeper.connect. Move them: `odradek metadata export` and `odradek metadata import`."
        )


@asynccontextmanager
async def _zookeeper_store(config: BrokerConfig) -> AsyncIterator[ZooKeeperStore]:
    # Loaded here for the sake of the start: kazoo would be a good part of it, where there is no ensemble.
    from odradek.broker.zookeeper_settings import zookeeper_settings
    from odradek.coordination.zookeeper.store import ZooKeeperStore

    settings = zookeeper_settings(config, os.environ)
    async with trio.open_nursery() as nursery:
        try:
            store = ZooKeeperStore(settings)
        except (OSError, ValueError) as error:
            raise CannotStart(f"TLS to ZooKeeper cannot be set up: {error}") from error
        await nursery.start(store.run)
        try:
            try:
                await store.connect()
            except StoreUnavailable as error:
                raise CannotStart(
                    f"ZooKeeper at {settings.connect} cannot be used within "
                    f"zookeeper.connection.timeout.ms, {settings.connection_timeout_ms} ms."
                ) from error
            except SessionExpired as error:
                raise CannotStart(f"ZooKeeper at {settings.connect} refused this broker's login.") from error
            yield store
        finally:
            await store.close()
            nursery.cancel_scope.cancel()


@asynccontextmanager
async def _embedded_store(config: BrokerConfig) -> AsyncIterator[EmbeddedStore]:
    store = _open_file(config.log_dirs[0])
    try:
        yield store
    finally:
        with trio.move_on_after(_CLOSE_S, shield=True):
            await store.close()


def _open_file(log_dir: str) -> EmbeddedStore:
    try:
        os.makedirs(log_dir, exist_ok=True)
        return EmbeddedStore(Path(log_dir, STORE_FILE))
    except (sqlite3.OperationalError, StoreUnavailable) as error:
        cause = error.__cause__ or error
        is_busy = getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY
        hint = " Another broker may be using it." if is_busy else ""
        raise CannotStart(f"The metadata in {log_dir} cannot be opened ({cause}).{hint}") from error
    except OSError as error:
        raise CannotStart(f"Failed to create or validate data directory {log_dir}: {error}") from error
