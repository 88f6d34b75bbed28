"""`python -m infra.supply`: the checks of `make lint`; `--list FILE` writes the licences."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from infra.supply import advisories, licences
from infra.supply.locks import locked


def main() -> int:
    """Exit code 1 when something is found."""
    parser = argparse.ArgumentParser(description="Check licences and known weaknesses.")
    parser.add_argument("--list", type=Path, help="Write the list of licences into this file.")
    given = parser.parse_args()
    policy = licences.read_policy(licences.FILE.read_text())
    libraries = licences.installed()
    if given.list:
        given.list.write_text(licences.page(libraries, policy))
        return 0
    known = advisories.read_advisories(advisories.FILE.read_text())
    everything = locked()
    found = [
        *(f"no hash: {each.name} {each.version}" for each in everything if not each.hashes),
        *(f"weakness: {each}" for each in advisories.affected(everything, known)),
        *(f"licence not allowed: {each}" for each in licences.refused(libraries, policy)),
    ]
    sys.stdout.write("".join(f"{each}\n" for each in found))
    said = f"{len(found)} findings" if found else "licences, hashes and versions are all right"
    sys.stdout.write(f"{said}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
