"""Compare counted instructions with those on record: part of scripts/arm/count."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

RECORD = Path(__file__).with_name("instructions.json")
#: how much a count may grow
GROWTH = 0.02


def counted(path: Path) -> dict[str, int]:
    """Problem: instructions, as the plugin wrote them."""
    found = re.findall(r"^problem (.*)\ninstructions (\d+)$", path.read_text(), re.MULTILINE)
    return {name: int(count) for name, count in found}


def main(arguments: list[str]) -> int:
    """Print a table; 1 where something has grown, is missing or is new."""
    write, paths = "--write" in arguments, [Path(a) for a in arguments if a != "--write"]
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    today = {path.name: counted(path) for path in paths}
    worse = 0
    for cpu, counts in today.items():
        before = record.get(cpu, {})
        for name in dict.fromkeys([*before, *counts]):
            old, new = before.get(name), counts.get(name)
            grown = old is None or new is None or new > old * (1 + GROWTH)
            worse += grown
            change = f"{new / old - 1:+.1%}" if old and new else "only one of both is there"
            print(f"{cpu:12} {name:28} {old or '-':>12} {new or '-':>12}  {change}{'  !' * grown}")
    if write:
        RECORD.write_text(json.dumps(record | today, indent=1) + "\n")
        return 0
    if worse:
        print(f"{worse} counts have grown by more than {GROWTH:.0%}; where that is meant: scripts/arm/count --write")
    return int(worse > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
