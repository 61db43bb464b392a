"""What a benchmark tells: a table on the screen, and a JSON file that names the machine."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import platform
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from _measure import ROOT, available_cores


def machine() -> dict[str, Any]:
    """What a reader must know to place the numbers."""
    import llvmlite.binding as llvm

    from edgenet.kernels.target import current, l2_bytes

    wanted = ("avx2", "fma", "avx512f", "avx512vl", "avx512vnni", "neon", "dotprod", "sve")
    features = llvm.get_host_cpu_features()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "cpu": cpu_model(),
        "llvm_cpu": llvm.get_host_cpu_name(),
        "isa": [name for name in wanted if features.get(name)],
        "cores": available_cores(),
        "l2_bytes": l2_bytes(0),
        "target": current().name,
        "tiles": [f"{current().mr(nv)}x{nv}x{current().lanes}" for nv in range(1, current().widest + 1)],
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "load_average_before": load,
        "commit": _commit(),
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that take part, where they are installed."""
    found = {"python": platform.python_version()}
    for package in ("numpy", "numba", "llvmlite", "onnx", "onnxruntime", "torch"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    return found


def cpu_model() -> str:
    """The CPU's name, as the system tells it."""
    with contextlib.suppress(OSError):
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        found = re.search(r"^(?:model name|Model)\s*:\s*(.+)$", text, re.MULTILINE)
        if found:
            return found[1]
    if sys.platform == "darwin":
        return _output(["sysctl", "-n", "machdep.cpu.brand_string"])
    return platform.processor() or platform.machine()


def _commit() -> str:
    """The checkout's commit, with a plus sign where files were changed since."""
    commit = _output(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"])
    changed = commit and _output(["git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no"])
    return commit + "+" * bool(changed)


def _output(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


class Report:
    """A table that is printed row by row, and kept for JSON."""

    def __init__(self, title: str, columns: dict[str, str], options: argparse.Namespace) -> None:
        self.columns, self.path = columns, options.json
        self.machine = machine()
        self.rows: list[dict[str, Any]] = []
        self.extra: dict[str, Any] = {}
        self.failed: list[str] = []
        self._section: Any = None
        m = self.machine
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # a terminal that lacks × or µ is no reason to stop
        print(
            f"{title}\n{m['cpu']}, {m['cores']} cores, target {m['target']} ({', '.join(m['tiles'])}), "
            f"commit {m['commit']}"
        )
        print(", ".join(f"{k} {v}" for k, v in m["versions"].items()))
        if options.fast:
            print("--fast: the numbers below mean nothing")

    def head(self) -> None:
        """Print the names of the columns."""
        cells = [
            f"{name:<{_width(spec)}}" if "<" in spec else f"{name:>{_width(spec)}}"
            for name, spec in self.columns.items()
        ]
        print("\n" + "  ".join(cells).rstrip(), flush=True)

    def add(self, row: dict[str, Any], section: Any = None) -> None:
        """Print a row; keys beside the columns go to JSON only.  An empty line parts two sections."""
        if self.rows and section != self._section:
            print()
        self._section = section
        self.rows.append(row)
        print("  ".join(_cell(row.get(name), spec) for name, spec in self.columns.items()).rstrip(), flush=True)

    def fail(self, sentence: str) -> None:
        """Note an output that differs, or a case that could not run; the script ends with status 1."""
        self.failed.append(sentence)
        print(f"  ! {sentence}", flush=True)

    def close(self) -> int:
        """Write the JSON file if one was asked for; the exit status."""
        if self.path:
            content = {"machine": self.machine, **self.extra, "rows": self.rows, "failed": self.failed}
            self.path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        if self.failed:
            print(f"\n{len(self.failed)} failed:", *self.failed, sep="\n  ", file=sys.stderr)
        return 1 if self.failed else 0


def _width(spec: str) -> int:
    found = re.search(r"\d+", spec)
    return int(found[0]) if found else 0


def _cell(value: Any, spec: str) -> str:
    if value is None:
        return f"{'–':>{_width(spec)}}" if "<" not in spec else " " * _width(spec)
    return f"{value:{spec}}"
