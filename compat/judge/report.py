"""The judge's findings as text: differences with their versions collapsed, and what is not covered."""

from collections import defaultdict
from collections.abc import Iterable

from compat.judge.coverage import Coverage
from compat.judge.differences import Difference
from odradek.protocol.api_keys import ApiKey


def differences_text(differences: Iterable[Difference]) -> str:
    """One line for each differing field of each scenario, under the scenario's name."""
    versions: dict[tuple[str, str, str, str, str, str], list[int]] = defaultdict(list)
    for each in differences:
        key = (each.release, each.scenario, each.step, each.path, each.kafka, each.here)
        versions[key].append(each.version)
    lines: list[str] = []
    title = ("", "")
    for (release, scenario, step, path, kafka, here), found in versions.items():
        if title != (release, scenario):
            title = (release, scenario)
            lines.append(f"[{release}] {scenario}")
        lines.append(f"    {version_ranges(found)}  step {step}  {path}: Kafka {kafka}, here {here}")
    return "\n".join(lines)


def not_served_text(release: str, not_served: Iterable[ApiKey]) -> str:
    """Every API that was not judged because the broker does not have it."""
    names = [api.name for api in sorted(not_served)]
    return f"Kafka {release}: not served, {len(names)} APIs: {', '.join(names) or 'none'}"


def coverage_text(found: Coverage) -> str:
    """Counts first, then everything that is missing."""
    offered = found.offered()
    without = found.without_success()
    lines = [
        f"Kafka {found.release}: {len(offered) - len(without)} of {len(offered)} API versions succeed, "
        f"{sum(map(len, found.codes.values()))} error codes reached"
    ]
    by_api: dict[str, list[int]] = defaultdict(list)
    for api, version in without:
        by_api[api.name].append(version)
    lines += [f"  no success: {name} {version_ranges(versions)}" for name, versions in by_api.items()]
    lines += [f"  Kafka itself refuses: {line}" for line in refusals(found)]
    for title, codes in (
        ("not reached", found.codes_not_reached()),
        ("not listed", found.codes_not_listed()),
    ):
        lines += [f"  {title}: {api.name} {', '.join(c.name for c in each)}" for api, each in codes.items()]
    return "\n".join(lines)


def refusals(found: Coverage) -> list[str]:
    """`PRODUCE v0-2: closes the connection`, for what Kafka advertises and refuses."""
    by_how: dict[tuple[str, str], list[int]] = defaultdict(list)
    for (api, version), how in found.refused().items():
        by_how[api.name, how].append(version)
    return [f"{name} {version_ranges(versions)}: {how}" for (name, how), versions in by_how.items()]


def version_ranges(versions: Iterable[int]) -> str:
    """``v0-3,5``."""
    spans: list[tuple[int, int]] = []
    for version in sorted(versions):
        if spans and version == spans[-1][1] + 1:
            spans[-1] = spans[-1][0], version
        else:
            spans.append((version, version))
    return "v" + ",".join(str(low) if low == high else f"{low}-{high}" for low, high in spans)
