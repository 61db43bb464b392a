"""Smooth activations: Erf, Elu, HardSwish, Softplus, Mish, Gelu, Swish ↔ ops; older opsets get smaller pieces."""

from __future__ import annotations

from edgenet.graph import Node, emit

from ..node import OnnxNode
from ..registry import exporter, importer
from ..tensor import Tensor
from ..writer import Writer


def _reads(onnx_op: str, name: str, since: int) -> None:
    @importer(onnx_op, since)
    def read(node: OnnxNode) -> Tensor:
        return node.input(0).map(lambda x: emit(name, [x]))


_reads("Erf", "erf", 9)
_reads("HardSwish", "hard_silu", 14)
_reads("Softplus", "softplus", 1)
_reads("Mish", "mish", 18)


@importer("Elu", since=6)
def read_elu(node: OnnxNode) -> Tensor:
    alpha = node.attr("alpha", 1.0)
    return node.input(0).map(lambda x: emit("elu", [x], alpha=alpha))


@importer("Selu", since=6)
def read_selu(node: OnnxNode) -> Tensor:
    alpha, gamma = node.attr("alpha", 1.6732631921768188), node.attr("gamma", 1.0507010221481323)
    return node.input(0).map(lambda x: emit("elu", [x], alpha=alpha) * gamma)


@importer("Gelu", since=20)
def read_gelu(node: OnnxNode) -> Tensor:
    node.only("approximate", "none", "tanh")
    name = "gelu_tanh" if node.attr("approximate", "none") == "tanh" else "gelu"
    return node.input(0).map(lambda x: emit(name, [x]))


@importer("Swish", since=24)
def read_swish(node: OnnxNode) -> Tensor:
    alpha = node.attr("alpha", 1.0)
    if alpha == 1:
        return node.input(0).map(lambda x: emit("silu", [x]))
    return node.input(0).map(lambda x: x * emit("sigmoid", [x * alpha]))


@exporter("erf")
def write_erf(node: Node, out: Writer) -> None:
    out.same(node, "Erf")


@exporter("elu")
def write_elu(node: Node, out: Writer) -> None:
    out.same(node, "Elu", alpha=node.attrs["alpha"])


@exporter("softplus")
def write_softplus(node: Node, out: Writer) -> None:
    out.same(node, "Softplus")


def _pieces(node: Node, out: Writer) -> tuple[str, str]:
    """The name of the input in the arrangement it has, which is bound to the result; and the name to call nodes by."""
    x = node.inputs[0]
    assert x is not None
    return out.name(x, out.held(x)), node.name


def _bind(node: Node, out: Writer, name: str) -> None:
    x = node.inputs[0]
    assert x is not None
    out.bind(node.output, out.held(x), name)


@exporter("silu")
def write_silu(node: Node, out: Writer) -> None:
    x, hint = _pieces(node, out)
    _bind(node, out, out.node("Mul", [x, out.node("Sigmoid", [x], f"{hint}_sigmoid")], hint))


@exporter("hard_silu")
def write_hard_silu(node: Node, out: Writer) -> None:
    if out.opset >= 14:
        out.same(node, "HardSwish")
        return
    x, hint = _pieces(node, out)
    gate = out.node("HardSigmoid", [x], f"{hint}_gate", alpha=1 / 6, beta=0.5)
    _bind(node, out, out.node("Mul", [x, gate], hint))


@exporter("mish")
def write_mish(node: Node, out: Writer) -> None:
    if out.opset >= 18:
        out.same(node, "Mish")
        return
    x, hint = _pieces(node, out)
    gate = out.node("Tanh", [out.node("Softplus", [x], f"{hint}_softplus")], f"{hint}_tanh")
    _bind(node, out, out.node("Mul", [x, gate], hint))


@exporter("gelu")
def write_gelu(node: Node, out: Writer) -> None:
    if out.opset >= 20:
        out.same(node, "Gelu")
        return
    x, hint = _pieces(node, out)
    scaled = out.node("Mul", [x, out.number(0.5**0.5)], f"{hint}_scaled")
    gate = out.node("Add", [out.node("Erf", [scaled], f"{hint}_erf"), out.number(1.0)], f"{hint}_gate")
    half = out.node("Mul", [x, out.number(0.5)], f"{hint}_half")
    _bind(node, out, out.node("Mul", [half, gate], hint))


@exporter("gelu_tanh")
def write_gelu_tanh(node: Node, out: Writer) -> None:
    if out.opset >= 20:
        out.same(node, "Gelu", approximate="tanh")
        return
    x, hint = _pieces(node, out)
    square = out.node("Mul", [x, x], f"{hint}_square")
    slope = 2 * 0.7978845608028654
    factor = out.node("Add", [out.node("Mul", [square, out.number(slope * 0.044715)], hint), out.number(slope)], hint)
    gate = out.node("Sigmoid", [out.node("Mul", [x, factor], hint)], f"{hint}_gate")
    _bind(node, out, out.node("Mul", [x, gate], hint))
