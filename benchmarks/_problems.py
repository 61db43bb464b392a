"""Single layers, each with the same problem for a peer: an ONNX model of one node, or a function of PyTorch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from _peers import Peer, onnxruntime_in_place, pytorch

from edgenet import ops
from edgenet.graph import emit

Array = np.ndarray


@dataclass
class Problem:
    """One layer at one size."""

    family: str
    name: str
    inputs: list[Array]
    """what edgenet gets, NHWC"""
    build: Callable[..., Any]
    """emits the layer on the inputs' values"""
    package: str
    """the peer that knows the problem"""
    peer: Callable[[int], Peer]
    """for a number of threads"""
    back: Callable[[Array], Array] = field(default=lambda y: y)
    """from the peer's layout to ours"""
    counts_bytes: bool = False
    """whether moving memory is the work, and not arithmetic"""


def nhwc(y: Array) -> Array:
    """From NCHW."""
    return y.transpose(0, 2, 3, 1) if y.ndim == 4 else y


def nchw(x: Array) -> Array:
    """From NHWC."""
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2)) if x.ndim == 4 else x


def _random(*shape: int, scale: float = 1.0) -> Array:
    generator = np.random.default_rng(sum(shape))
    return (generator.standard_normal(shape) * scale).astype(np.float32)


def _onnx(nodes: list[tuple[str, dict[str, Any]]], inputs: list[Array], weights: dict[str, Array]) -> bytes:
    """A chain of nodes; the first reads all inputs and weights."""
    from onnx import TensorProto, helper, numpy_helper

    names = [f"x{i}" for i in range(len(inputs))]
    made = []
    for i, (op, attributes) in enumerate(nodes):
        reads = [*names, *weights] if i == 0 else [f"y{i - 1}"]
        made.append(helper.make_node(op, reads, [f"y{i}"], **attributes))
    graph = helper.make_graph(
        made, "layer",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, x.shape) for n, x in zip(names, inputs, strict=True)],
        [helper.make_tensor_value_info(made[-1].output[0], TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.ascontiguousarray(w), n) for n, w in weights.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def _onnx_peer(
    nodes: list[tuple[str, dict[str, Any]]], inputs: list[Array], weights: dict[str, Array] | None = None
) -> Callable[[int], Peer]:
    def peer(threads: int) -> Peer:
        feeds = {f"x{i}": nchw(x) for i, x in enumerate(inputs)}
        return onnxruntime_in_place(_onnx(nodes, list(feeds.values()), weights or {}), feeds, threads)

    return peer


def _same(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Padding of one axis so that a window fits ceil(size / stride) times; the odd row comes last."""
    total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def conv(n: int, h: int, ci: int, co: int, k: int, stride: int = 1, groups: int = 1) -> Problem:
    """A convolution with bias and ReLU, padding "same"; depthwise where groups = ci."""
    x, b = _random(n, h, h, ci), _random(co)
    w = _random(k, k, ci // groups, co, scale=(k * k * ci // groups) ** -0.5)
    pad = _same(h, k, stride)
    attributes = {"strides": [stride] * 2, "pads": [pad[0], pad[0], pad[1], pad[1]], "group": groups}
    nodes = [("Conv", attributes), ("Relu", {})]

    def build(v: Any) -> Any:
        weights, bias = v.graph.constant(w), v.graph.constant(b)
        options = {"strides": (stride,) * 2, "padding": (pad,) * 2, "groups": groups}
        return ops.conv2d(v, weights, bias, activation=("relu",), **options)

    family = "depthwise" if groups > 1 else "conv"
    channels = f"{ci}" if groups > 1 else f"{ci}→{co}"
    return Problem(
        family, f"{family} {k}×{k}{f'/{stride}' if stride > 1 else ''} {channels} at {h}×{h}, batch {n}", [x],
        build, "onnxruntime", _onnx_peer(nodes, [x], {"w": w.transpose(3, 2, 0, 1), "b": b}), nhwc,
    )  # fmt: skip


def conv_gradients(n: int, h: int, ci: int, co: int, k: int, stride: int = 1, groups: int = 1) -> Iterator[Problem]:
    """The two gradients of a convolution, with weights that change from run to run."""
    x, w = _random(n, h, h, ci), _random(k, k, ci // groups, co, scale=(k * k * ci // groups) ** -0.5)
    ho, half = math.ceil(h / stride), (k - 1) // 2
    dy = _random(n, ho, ho, co)
    after = (ho - 1) * stride + k - h - half  # rows of padding at the end that make ho rows; at most `half` of them
    options = {
        "strides": (stride,) * 2, "padding": ((half, after),) * 2, "dilation": (1, 1), "groups": groups,
    }  # fmt: skip
    family = "depthwise" if groups > 1 else "conv"
    size = f"{k}×{k}{f'/{stride}' if stride > 1 else ''} {ci if groups > 1 else f'{ci}→{co}'} at {h}×{h}, batch {n}"

    def theirs(which: int) -> Callable[[int], Peer]:
        def peer(threads: int) -> Peer:
            import torch

            weights = torch.from_numpy(np.ascontiguousarray(w.transpose(3, 0, 1, 2))).permute(0, 3, 1, 2)
            mask = [which == 0, which == 1, False]

            def gradient(tx: Any, tdy: Any) -> Any:
                return torch.ops.aten.convolution_backward(
                    tdy, tx, weights, None, [stride] * 2, [half] * 2, [1, 1], False, [0, 0], groups, mask
                )[which]

            return pytorch(gradient, x, dy)

        return peer

    def dx(v_dy: Any, v_w: Any) -> Any:
        return emit("conv2d_dx", [v_dy, v_w], x_shape=x.shape, **options)

    def dw(v_x: Any, v_dy: Any) -> Any:
        return emit("conv2d_dw", [v_x, v_dy], w_shape=w.shape, **options)

    yield Problem(f"{family} dx", f"{family} dx {size}", [dy, w], dx, "torch", theirs(0), nhwc)
    yield Problem(
        f"{family} dw", f"{family} dw {size}", [x, dy], dw, "torch", theirs(1), lambda y: y.transpose(2, 3, 1, 0)
    )


def dense(m: int, k: int, n: int) -> Problem:
    """A dense layer with bias and ReLU."""
    x, w, b = _random(m, k), _random(k, n, scale=k**-0.5), _random(n)

    def build(v: Any) -> Any:
        return ops.dense(v, v.graph.constant(w), v.graph.constant(b), activation=("relu",))

    peer = _onnx_peer([("Gemm", {}), ("Relu", {})], [x], {"w": w, "b": b})
    return Problem("dense", f"dense {k}→{n}, batch {m}", [x], build, "onnxruntime", peer)


def dense_gradients(m: int, k: int, n: int) -> Iterator[Problem]:
    """The two gradients of a dense layer."""
    x, w, dy = _random(m, k), _random(k, n, scale=k**-0.5), _random(m, n)
    yield Problem(
        "dense dx", f"dense dx {k}→{n}, batch {m}", [dy, w], lambda d, v: ops.dense(d, v, transpose_w=True),
        "torch", lambda threads: pytorch(lambda d, v: d @ v.T, dy, w),
    )  # fmt: skip
    yield Problem(
        "dense dw", f"dense dw {k}→{n}, batch {m}", [x, dy], lambda v, d: ops.dense(v, d, transpose_x=True),
        "torch", lambda threads: pytorch(lambda v, d: v.T @ d, x, dy),
    )  # fmt: skip


def pool(kind: str, n: int, h: int, c: int, k: int, stride: int) -> Problem:
    """Maximum or average of windows, without padding."""
    x = _random(n, h, h, c)
    function = {"max": ops.max_pool, "avg": ops.avg_pool}[kind]
    op = {"max": "MaxPool", "avg": "AveragePool"}[kind]
    return Problem(
        "pool", f"{kind} pool {k}×{k}/{stride} {c} at {h}×{h}, batch {n}", [x],
        lambda v: function(v, (k, k), strides=(stride, stride)), "onnxruntime",
        _onnx_peer([(op, {"kernel_shape": [k, k], "strides": [stride, stride]})], [x]), nhwc, counts_bytes=True,
    )  # fmt: skip


def global_average(n: int, h: int, c: int) -> Problem:
    """The mean over height and width."""
    x = _random(n, h, h, c)
    return Problem(
        "pool", f"global average {c} at {h}×{h}, batch {n}", [x], lambda v: ops.mean(v, axis=(1, 2)), "onnxruntime",
        _onnx_peer([("GlobalAveragePool", {}), ("Flatten", {})], [x]), counts_bytes=True,
    )  # fmt: skip


def elementwise(name: str, op: str, *shape: int, inputs: int = 1, **attributes: Any) -> Problem:
    """A function of each number, or of each row."""
    xs = [_random(*shape) + np.float32(i) for i in range(inputs)]
    return Problem(
        "elementwise", f"{name} {'×'.join(map(str, shape))}", xs, lambda *vs: getattr(ops, name)(*vs), "onnxruntime",
        _onnx_peer([(op, attributes)], xs), nhwc if len(shape) == 4 else lambda y: y, counts_bytes=True,
    )  # fmt: skip


def problems(fast: bool) -> Iterator[Problem]:
    """The layers that are measured; with `fast` a tiny one of each kind."""
    if fast:
        yield from (conv(1, 6, 3, 8, 3), conv(1, 6, 8, 8, 3, 1, 8), dense(2, 20, 10))
        yield from (pool("max", 1, 6, 8, 2, 2), pool("avg", 1, 6, 8, 2, 2), global_average(1, 5, 8))
        yield from (elementwise("softmax", "Softmax", 2, 10, axis=-1), elementwise("add", "Add", 1, 4, 4, 8, inputs=2))
        yield from conv_gradients(2, 6, 4, 8, 3, 2)
        yield from dense_gradients(4, 20, 10)
        return
    for h, c in ((32, 64), (28, 128), (14, 256), (7, 512)):
        yield conv(1, h, c, c, 3)
    yield from (conv(1, 32, 16, 16, 3), conv(1, 16, 32, 32, 3), conv(1, 8, 64, 64, 3), conv(32, 32, 32, 32, 3))
    yield from (conv(1, 32, 3, 16, 3), conv(1, 96, 3, 8, 3, 2), conv(1, 32, 16, 32, 3, 2), conv(1, 28, 1, 6, 5))
    yield from (conv(1, 32, 64, 64, 1), conv(1, 14, 256, 256, 1), conv(1, 48, 16, 32, 1), conv(1, 16, 32, 64, 1, 2))
    for h, c in ((56, 64), (48, 32), (24, 64), (14, 256), (7, 512)):
        yield conv(1, h, c, c, 3, 1, c)
    for h, c, stride in ((56, 64, 2), (48, 8, 1), (48, 16, 2), (12, 64, 1), (112, 32, 1), (112, 96, 2), (7, 960, 1)):
        yield conv(1, h, c, c, 3, stride, c)
    for m in (1, 32):
        yield from (dense(m, 784, 512), dense(m, 512, 512), dense(m, 1024, 10))
    yield from (pool("max", 1, 28, 32, 2, 2), pool("max", 1, 56, 64, 3, 2), pool("avg", 1, 28, 32, 2, 2))
    yield from (pool("max", 1, 28, 6, 2, 2), pool("max", 32, 28, 6, 2, 2))
    yield from (global_average(1, 7, 512), pool("max", 32, 28, 32, 2, 2))
    yield from (
        elementwise("softmax", "Softmax", 1, 1000, axis=-1),
        elementwise("softmax", "Softmax", 128, 10, axis=-1),
    )
    yield from (elementwise("relu", "Relu", 1, 32, 32, 64), elementwise("add", "Add", 1, 32, 32, 64, inputs=2))
    yield from (elementwise("sigmoid", "Sigmoid", 1, 32, 32, 64), elementwise("tanh", "Tanh", 1, 32, 32, 64))
    for size in ((32, 32, 32, 32, 3), (32, 14, 128, 128, 3), (32, 32, 16, 32, 3, 2), (32, 16, 64, 64, 1)):
        yield from conv_gradients(*size)
    yield from conv_gradients(32, 24, 64, 64, 3, 1, 64)
    yield from dense_gradients(32, 784, 512)
