"""Import which API versions each Kafka release offers: `python -m protocol_specs.releases JAR...`.

Takes the kafka-clients jars of the releases, each of its last patch version (`mvn dependency:copy
-Dartifact=org.apache.kafka:kafka-clients:VERSION -Dtransitive=false`), and writes
`protocol_specs/releases.json`: for each release the lowest and highest version of each API on the listener
of its brokers (ZooKeeper mode up to 3.9, KRaft from 4.0), without the versions that it keeps unstable.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from protocol_specs.facts import Definition
from protocol_specs.importer import read_releases
from protocol_specs.versions import Versions

RELEASES = Path(__file__).parent / "releases.json"


def ranges(definitions: dict[str, Definition], *, kraft: bool) -> dict[int, Versions]:
    """The stable versions by API key of every request that the brokers' listener takes."""
    listener = "broker" if kraft else "zkBroker"
    found = {}
    for definition in definitions.values():
        if definition["type"] != "request" or listener not in definition.get("listeners", ()):
            continue
        versions = Versions.parse(definition["validVersions"])
        if definition["latestVersionUnstable"]:
            versions = Versions(versions.lowest, versions.highest - 1)
        if versions:
            found[definition["apiKey"]] = versions
    return dict(sorted(found.items()))


def main(arguments: list[str]) -> int:
    lines = []
    for release, definitions in read_releases(map(Path, arguments)).items():
        kraft = int(release.split(".")[0]) >= 4
        versions = {str(key): str(found) for key, found in ranges(definitions, kraft=kraft).items()}
        lines.append(f"  {json.dumps(release)}: {json.dumps(versions)}")
    RELEASES.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{len(lines)} releases")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
