"""The table that `Model.summary` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgenet.graph import Graph, get_op

from .topology import walk

if TYPE_CHECKING:
    from .model import Model

#: ops whose cost counts pairs of one multiplication and one addition
MULTIPLY_ADD = ("dense", "conv2d", "conv2d_dx", "conv2d_dw")
HEADER = ("Layer (type)", "Output Shape", "Param #", "MACs")


def macs_of_calls(model: Model) -> list[int]:
    """Multiply-adds of each layer call for one sample."""
    graph = Graph(model.name)
    values = [graph.input((1, *t.shape[1:]), t.dtype) for t in model.inputs]
    known = {id(t): v for t, v in zip(model.inputs, values, strict=True)}
    counts, before = [], 0
    for _ in walk(model.calls, known, training=False):
        nodes = [n for n in graph.nodes[before:] if n.op in MULTIPLY_ADD]
        counts.append(sum(get_op(n.op).cost(n).flops // 2 for n in nodes))
        before = len(graph.nodes)
    return counts


def summary_text(model: Model, line_length: int | None = None, trainable: bool = False) -> str:
    """The table, with totals below it; `trainable` asks for a column that says what training changes."""
    rows: list[tuple[str, ...]] = []
    answer = {layer.name: "Y" if layer.trainable_weights else "N" if layer.weights else "-" for layer in model.layers}
    total_macs = 0
    if model.built:
        rows += [(f"{n} (Input)", _shape(t), "0", "0") for n, t in zip(model.input_names, model.inputs, strict=True)]
        seen: set[int] = set()
        for call, macs in zip(model.calls, macs_of_calls(model), strict=True):
            again = id(call.layer) in seen
            seen.add(id(call.layer))
            params = "(shared)" if again else f"{call.layer.count_params():,}"
            shapes = ", ".join(_shape(t) for t in call.outputs)
            rows.append((f"{call.layer.name} ({type(call.layer).__name__})", shapes, params, f"{macs:,}"))
            total_macs += macs
    else:
        rows += [(f"{x.name} ({type(x).__name__})", "?", "?", "?") for x in model.layers]
    header: tuple[str, ...] = HEADER
    if trainable:
        header = (*HEADER, "Trainable")
        rows = [(*row, answer.get(row[0].partition(" ")[0], "-")) for row in rows]
    body = _table(header, rows, line_length)
    weights = sum(w.array.size for w in model.weights)
    changed = sum(w.array.size for w in model.trainable_weights)
    lines = [f'Model: "{model.name}"', *body]
    if model.built:
        lines += [
            f"Total params: {weights:,} ({_bytes(4 * weights)})",
            f"Trainable params: {changed:,} ({_bytes(4 * changed)})",
            f"Non-trainable params: {weights - changed:,} ({_bytes(4 * (weights - changed))})",
            f"Total MACs: {total_macs:,} for one sample",
        ]
    else:
        lines.append("The model is not built: its input shape is not known yet.")
    return "\n".join(lines)


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]], line_length: int | None) -> list[str]:
    widths = [max(len(r[i]) for r in [header, *rows]) for i in range(len(header))]
    if line_length is not None:
        widths[0] = max(12, line_length - sum(widths[1:]) - 2 * (len(widths) - 1))

    def line(cells: Any) -> str:
        left = [f"{_cut(c, w):<{w}}" for c, w in zip(cells[:2], widths[:2], strict=True)]
        return "  ".join([*left, *(f"{c:>{w}}" for c, w in zip(cells[2:], widths[2:], strict=True))]).rstrip()

    rule = "─" * (sum(widths) + 2 * (len(widths) - 1))
    return [rule, line(header), rule, *map(line, rows), rule]


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _shape(tensor: Any) -> str:
    return f"(None, {', '.join(map(str, tensor.shape[1:]))})" if len(tensor.shape) > 1 else "(None,)"


def _bytes(n: float) -> str:
    for unit in ("B", "KB", "MB"):
        if n < 1024:
            return f"{n:.0f} B" if unit == "B" else f"{n:.2f} {unit}"
        n /= 1024
    return f"{n:.2f} GB"
