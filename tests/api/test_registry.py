"""The table of APIs and the modules' own declarations say the same."""

import importlib
import pkgutil

import pytest

import odradek.api
from odradek.api.api import Api, Versions
from odradek.api.registry import SERVED, accepted, advertised, load
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.releases import RELEASES, api_versions


@pytest.mark.parametrize("key", SERVED, ids=lambda key: key.name)
def test_the_table_repeats_the_declaration(key: ApiKey) -> None:
    api = load(key)
    assert (api.key, api.versions) == (key, SERVED[key].versions)
    assert key == api.request.API_KEY
    assert callable(api.handle)


def test_every_declaration_is_in_the_table() -> None:
    modules = (
        importlib.import_module(f"odradek.api.{each.name}")
        for each in pkgutil.iter_modules(odradek.api.__path__)
    )
    declared = {module.__name__ for module in modules if isinstance(getattr(module, "api", None), Api)}
    assert declared == {f"odradek.api.{served.module}" for served in SERVED.values()}


def test_each_release_is_served_whole_as_far_as_its_apis_are() -> None:
    for release in RELEASES:
        for key, versions in accepted(release).items():
            assert versions == Versions(*api_versions(release)[key]), (release, key)
        assert accepted(release).keys() == SERVED.keys() & api_versions(release).keys()


def test_what_is_said_and_what_is_accepted_differ_in_produce_alone() -> None:
    said, taken = dict(advertised("4.3")), dict(accepted("4.3"))
    assert (said.pop(ApiKey.PRODUCE), taken.pop(ApiKey.PRODUCE)) == (Versions(0, 13), Versions(3, 13))
    assert said == taken
    assert advertised("3.9") == accepted("3.9")
