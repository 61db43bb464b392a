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
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from _measure import ROOT, Contestant, available_cores, geometric_mean, ratio, spread

#: whose versions are told, where they are installed
PACKAGES = (
    "numpy", "numba", "llvmlite", "onnx", "onnxruntime", "openvino", "torch", "tensorflow", "tensorflow-cpu", "keras",
    "ai-edge-litert", "jax",
)  # fmt: skip


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
    for package in PACKAGES:
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

    def add_all(
        self, row: dict[str, Any], ours: Contestant, theirs: Sequence[Contestant], unit: str,
        more: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:  # fmt: skip
        """A row for each peer, which says how edgenet's times stand to it; without any, edgenet's row alone.

        `more` is what else the row of a peer says.
        """
        section, scale = row[next(iter(self.columns))], {"µs": 1e6, "ms": 1e3}[unit]
        row |= {f"edgenet {unit}": ours.median * scale, "edgenet_s": ours.seconds, "spread": spread([ours, *theirs])}
        for peer in theirs:
            told = {"peer": peer.name, f"peer {unit}": peer.median * scale, "peer_s": peer.seconds}
            told |= {"ratio": ratio(ours, peer), "best": peer.best / ours.best, **(more or {}).get(peer.name, {})}
            self.add(row | told, section)
        if not theirs:
            self.add(row, section)

    def means(self) -> None:
        """Print geometric means of edgenet's time by each peer's, and by that of the best peer of each line.

        The mean of the rows of each batch and number of threads, by median rounds and by best rounds, and the row in
        which edgenet stands worst.  Rows that are not `counted` are left out.
        """
        name = next(iter(self.columns))
        groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
        lines: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
        for row in self.rows:
            if row.get("ratio") and row.get("counted", True):
                groups.setdefault((row["batch"], row["threads"], row["peer"]), []).append(row)
                lines.setdefault((row["batch"], row["threads"], row[name]), []).append(row)
        if len({peer for _, _, peer in groups}) > 1:
            for (batch, threads, _), rows in lines.items():
                groups.setdefault((batch, threads, "the best"), []).append(min(rows, key=lambda row: row["ratio"]))
        if not groups:
            return
        print("\nGeometric means of edgenet's time by the peer's (below 1 edgenet is faster)")
        print(f"{'batch':>5}  {'threads':>7}  {'peer':<11}  {'rows':>4}  {'mean':>5}  {'best':>5}  worst row")
        found = self.extra["means"] = []
        for (batch, threads, peer), rows in sorted(groups.items(), key=lambda item: (item[0][:2], item[0][2])):
            mean, best = (geometric_mean([1 / row[key] for row in rows]) for key in ("ratio", "best"))
            worst = min(rows, key=lambda row: row["ratio"])
            found.append({"batch": batch, "threads": threads, "peer": peer, "mean": mean, "best": best})
            text = f"{batch:5}  {threads:7}  {peer:<11}  {len(rows):4}  {mean:5.2f}  {best:5.2f}"
            print(f"{text}  {1 / worst['ratio']:.2f} {worst[name]}")

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
