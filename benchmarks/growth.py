"""How cost grows: with the batch, the side of the images, the width, the depth, the number of threads.

    python benchmarks/growth.py --markdown docs/performance.md

One net of 3×3 convolutions is run forward: `depth` of them with `width` channels each, a ReLU behind each, on images of
`side`×`side`, then the mean over the image and ten numbers.  One of its measures varies, the others stay (`BASE`).
"µs/unit" is the time by what varies: it stays the same where cost is linear.  Work grows with the square of side and
width, so there a unit is 32×32 pixels, or 16×16 channels; with threads it is the time of all together.  "peak" is the
share of the multiply-add peak on as many threads (`_peak.py`).
onnxruntime runs the same net from an ONNX file, where it is installed.  ``--markdown FILE`` writes the tables between
the two marks of that file.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from _measure import Contestant, chosen, difference, measure, pace, parser, threads
from _peak import tell_peaks
from _peers import installed, onnxruntime_plain
from _report import Report

from edgenet import Input, Model, layers
from edgenet.graph import get_op

COLUMNS = {
    "varies": "<8", "value": "5", "MFLOP": "9.1f", "edgenet µs": "10.1f", "µs/unit": "9.2f", "GFLOP/s": "7.1f",
    "peak": "5.0%", "peer": "<11", "peer µs": "9.1f", "ratio": "6.2f", "best": "6.2f", "spread": "6.0%",
}  # fmt: skip

BASE = {"batch": 1, "side": 32, "width": 32, "depth": 4, "threads": 1}
#: what varies, and the unit of cost
VALUES: dict[str, tuple[tuple[int, ...], Callable[[int], float]]] = {
    "batch": ((1, 2, 4, 8, 16, 32, 64, 128, 256, 512), lambda n: n),
    "side": ((16, 32, 64, 112, 160, 224), lambda n: n * n / 1024),
    "width": ((16, 32, 64, 128), lambda n: n * n / 256),
    "depth": ((1, 2, 4, 8), lambda n: n),
    "threads": ((1, 2, 3, 4), lambda n: 1 / n),
}
MARKS = "<!-- growth: begin -->", "<!-- growth: end -->"


def net(side: int, width: int, depth: int, **_: int) -> Model:
    """The net that is measured; its numbers stay near 1."""
    x = y = Input((side, side, width))
    for _layer in range(depth):
        y = layers.Conv2D(width, 3, padding="same", activation="relu", kernel_initializer="he_normal")(y)
    return Model(x, layers.Dense(10)(layers.GlobalAveragePooling2D()(y)))


def compare(varies: str, value: int, options: argparse.Namespace, peaks: dict[int, float], report: Report) -> None:
    """One row."""
    sizes = BASE | {varies: value}
    model, count = net(**sizes), sizes["threads"]
    shape = sizes["batch"], sizes["side"], sizes["side"], sizes["width"]
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    ours, others = Contestant("edgenet", lambda: model.predict_on_batch(x)), []
    result = model.predict_on_batch(x)
    (runner,) = model._programs.values()
    flops = sum(get_op(n.op).cost(n).flops for n in runner.program.graph.nodes)
    if installed("onnxruntime"):
        from edgenet.converters.onnx import write

        content = write(model.graph(), layout="NCHW").SerializeToString()
        (name,) = model.input_names
        peer = onnxruntime_plain(content, {name: np.ascontiguousarray(np.moveaxis(x, -1, 1))}, count)
        if (differs := difference(result, peer.results()[0])) > 1e-3:
            report.fail(f"{varies} {value}: edgenet and onnxruntime differ by {differs:.1e}")
        others.append(Contestant(peer.name, peer.run))
    with threads(count):
        measure([ours, *others], pace(options))
    rate, unit = flops / ours.median, VALUES[varies][1](value)
    row = {"varies": varies, "value": value, "MFLOP": flops / 1e6, "GFLOP/s": rate / 1e9, "peak": rate / peaks[count]}
    report.add_all(row | {"µs/unit": ours.median * 1e6 / unit}, ours, others, "µs")


def markdown(report: Report) -> str:
    """The rows as tables."""
    lines = [
        f"{report.machine['cpu']}, {report.machine['cores']} cores, target {report.machine['target']}; multiply-add "
    ]
    peaks = report.extra["peak_flops_per_s"].items()
    lines[0] += "peak " + ", ".join(f"{p / 1e9:.0f} GFLOP/s on {t}" for t, p in peaks) + " threads."
    for varies in VALUES:
        rows = [row for row in report.rows if row["varies"] == varies]
        if not rows:
            continue
        rest = ", ".join(f"{key} {value}" for key, value in BASE.items() if key != varies)
        lines += [
            "",
            f"**{varies}** ({rest})",
            "",
            f"| {varies} | MFLOP | µs | µs/unit | GFLOP/s | peak | onnxruntime µs | ratio |",
        ]
        lines.append("|" + "---:|" * 8)
        for row in rows:
            peer = f"{row['peer µs']:.0f} | {row['ratio']:.2f}" if "peer" in row else "– | –"
            lines.append(
                f"| {row['value']} | {row['MFLOP']:.1f} | {row['edgenet µs']:.0f} | {row['µs/unit']:.1f} | "
                f"{row['GFLOP/s']:.0f} | {row['peak']:.0%} | {peer} |"
            )
    return "\n".join(lines) + "\n"


def write_between(path: Path, text: str) -> None:
    """Replace what stands between the marks of a file."""
    before, begin, rest = path.read_text(encoding="utf-8").partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    if not begin or not end:
        raise ValueError(f"{path} lacks the lines {MARKS[0]} and {MARKS[1]}, between which the tables go")
    path.write_text(f"{before}{begin}\n{text}{end}{after}", encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    p = parser(__doc__)
    p.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables into that page")
    options = p.parse_args(arguments)
    options.rounds = options.rounds or (1 if options.fast else 5)
    report = Report("Growth", COLUMNS, options)
    counts = VALUES["threads"][0][:2] if options.fast else VALUES["threads"][0]
    peaks = report.extra["peak_flops_per_s"] = tell_peaks(counts, pace(options))
    report.head()
    for varies, (values, _) in VALUES.items():
        if chosen(options, varies):
            for value in values[:2] if options.fast else values:
                compare(varies, value, options, peaks, report)
    if options.markdown:
        write_between(options.markdown, markdown(report))
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
