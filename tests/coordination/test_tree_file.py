"""A tree is the same after it was in a file, and goes only where it fits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odradek.coordination.embedded import EmbeddedStore
from odradek.coordination.memory_ensemble import MemoryEnsemble
from odradek.coordination.store import Create, MetadataStore, Set
from odradek.coordination.tree_file import (
    CannotImport,
    Entry,
    MalformedTree,
    decode_tree,
    encode_tree,
    read_tree,
    write_tree,
)


async def tree(store: MetadataStore) -> list[Entry]:
    return [entry async for entry in read_tree(store)]


async def live_on(store: MetadataStore) -> None:
    await store.commit(
        Create("/brokers"),
        Create("/brokers/ids"),
        Create("/brokers/ids/0", b"{}", ephemeral=True),
        Create("/brokers/seqid"),
        Set("/brokers/seqid", b""),
        Set("/brokers/seqid", b""),
        Create("/config"),
        Create("/config/changes"),
        Create("/config/changes/config_change_", b"x", sequential=True),
        Create("/config/topics"),
        Create("/config/topics/ünï", "ö".encode()),
        Create("/controller", b"0", ephemeral=True),
    )


async def test_a_tree_is_read_parents_first_without_what_is_of_its_time() -> None:
    async with EmbeddedStore() as store:
        await live_on(store)
        assert await tree(store) == [
            Entry("/brokers"),
            Entry("/brokers/ids"),
            Entry("/brokers/seqid", changes=2),
            Entry("/config"),
            Entry("/config/changes"),
            Entry("/config/topics"),
            Entry("/config/topics/ünï", "ö".encode()),
        ]


async def test_a_tree_arrives_as_it_was_and_its_ids_go_on_counting() -> None:
    ensemble = MemoryEnsemble().session()
    async with EmbeddedStore() as store:
        await live_on(store)
        entries = await tree(store)
    assert await write_tree(ensemble, entries) == 7
    assert await tree(ensemble) == entries
    (next_id,) = await ensemble.commit(Set("/brokers/seqid", b""))
    assert next_id.version == 3
    assert await write_tree(ensemble, entries) == 0


async def test_what_is_there_already_is_not_overwritten_and_nothing_is_written() -> None:
    async with EmbeddedStore() as store:
        await store.commit(Create("/cluster"), Create("/cluster/id", b"theirs"))
        with pytest.raises(CannotImport, match="/cluster/id is there already"):
            await write_tree(store, [Entry("/a"), Entry("/cluster"), Entry("/cluster/id", b"ours")])
        assert not await store.exists("/a")


async def test_nothing_is_imported_under_running_brokers() -> None:
    async with EmbeddedStore() as store:
        await live_on(store)
        with pytest.raises(CannotImport, match=r"Brokers are registered there \(0\)"):
            await write_tree(store, [Entry("/a")])


async def test_a_large_tree_goes_in_parts() -> None:
    entries = [Entry("/t"), *(Entry(f"/t/{number}", bytes(1000)) for number in range(2500))]
    async with EmbeddedStore() as store:
        assert await write_tree(store, entries) == 2501
        assert len(await store.children("/t")) == 2500


names = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/"), min_size=1)
nodes = st.builds(Entry, names.map(lambda name: f"/{name}"), st.binary(), st.integers(0, 5))


@given(st.lists(nodes))
def test_a_file_holds_every_tree(entries: list[Entry]) -> None:
    assert list(decode_tree(f"{line}\n" for line in encode_tree(entries))) == entries


@pytest.mark.parametrize(
    "lines",
    [
        ["{}"],
        ["nothing"],
        ['{"format": "odradek-metadata", "version": 2}'],
        ['{"format": "odradek-metadata", "version": 1}', "[]"],
        ['{"format": "odradek-metadata", "version": 1}', '{"data": ""}'],
        ['{"format": "odradek-metadata", "version": 1}', '{"path": "/a", "base64": "%"}'],
    ],
)
def test_what_is_no_tree_is_refused(lines: list[str]) -> None:
    with pytest.raises(MalformedTree):
        list(decode_tree(lines))
