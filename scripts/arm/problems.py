"""One small problem for each hot kernel, run between two marks of the plugin count.c: part of scripts/arm/count.

With the argument `store` their kernels are compiled and kept, for a processor that this need not be.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator

import numpy as np

from edgenet import ops
from edgenet.cli.warmup import compile_all, library
from edgenet.compile import compile_graph
from edgenet.compile.program import Program
from edgenet.graph import Graph, Value
from edgenet.ops.function import emit

RNG = np.random.default_rng(0)


def numbers(*shape: int) -> np.ndarray:
    """Small numbers."""
    return RNG.standard_normal(shape).astype(np.float32)


def conv(x: Value, co: int, k: int, stride: int = 1, groups: int = 1) -> Value:
    """A convolution with padding, bias and ReLU."""
    w, b = x.graph.constant(numbers(k, k, x.shape[3] // groups, co)), x.graph.constant(numbers(co))
    return ops.conv2d(x, w, b, strides=(stride,) * 2, padding=((k // 2,) * 2,) * 2, groups=groups, activation=("relu",))


def dense(x: Value, co: int) -> Value:
    """A dense layer."""
    return ops.dense(x, x.graph.constant(numbers(x.shape[1], co)), x.graph.constant(numbers(co)))


def gradients(g: Graph, kind: str, h: int, ci: int, co: int, groups: int = 1) -> Value:
    """One gradient of a 3 × 3 convolution of a batch of four: kind is dx or dw."""
    dy, options = g.input((4, h, h, co)), {"strides": (1, 1), "padding": ((1, 1),) * 2, "dilation": (1, 1)}
    if kind == "dw":
        return emit(
            "conv2d_dw", [g.input((4, h, h, ci)), dy], w_shape=(3, 3, ci // groups, co), groups=groups, **options
        )
    return emit("conv2d_dx", [dy, g.input((3, 3, ci // groups, co))], x_shape=(4, h, h, ci), groups=groups, **options)


PROBLEMS = {
    "conv 3x3 1-16 at 28": lambda g: conv(g.input((1, 28, 28, 1)), 16, 3),
    "conv 3x3 3-16 at 32": lambda g: conv(g.input((1, 32, 32, 3)), 16, 3),
    "conv 3x3 16-16 at 32": lambda g: conv(g.input((1, 32, 32, 16)), 16, 3),
    "conv 3x3/2 16-32 at 32": lambda g: conv(g.input((1, 32, 32, 16)), 32, 3, 2),
    "conv 3x3 64-64 at 8": lambda g: conv(g.input((1, 8, 8, 64)), 64, 3),
    "conv 1x1 64-64 at 16": lambda g: conv(g.input((1, 16, 16, 64)), 64, 1),
    "depthwise 3x3 64 at 24": lambda g: conv(g.input((1, 24, 24, 64)), 64, 3, 1, 64),
    "depthwise 3x3/2 64 at 24": lambda g: conv(g.input((1, 24, 24, 64)), 64, 3, 2, 64),
    "dense 256-128, batch 16": lambda g: dense(g.input((16, 256)), 128),
    "dense 640-128, batch 1": lambda g: dense(g.input((1, 640)), 128),
    "conv dx 16-16 at 16": lambda g: gradients(g, "dx", 16, 16, 16),
    "conv dw 16-16 at 16": lambda g: gradients(g, "dw", 16, 16, 16),
    "conv dw 3-16 at 16": lambda g: gradients(g, "dw", 16, 3, 16),
    "depthwise dx 64 at 12": lambda g: gradients(g, "dx", 12, 64, 64, 64),
    "depthwise dw 64 at 12": lambda g: gradients(g, "dw", 12, 64, 64, 64),
    "dense dw 256-128, batch 16": lambda g: ops.dense(g.input((16, 256)), g.input((16, 128)), transpose_x=True),
    "max pool 2x2 32 at 32": lambda g: ops.max_pool(g.input((2, 32, 32, 32)), (2, 2)),
    "softmax 256 × 64": lambda g: ops.softmax(g.input((256, 64))),
    "tanh 65536": lambda g: ops.tanh(g.input((256, 256))),
}


def programs() -> Iterator[tuple[str, Program]]:
    """The name and the program of each problem."""
    for name, build in PROBLEMS.items():
        graph = Graph("counted")
        graph.outputs = [build(graph)]
        yield name, compile_graph(graph)


def store() -> None:
    """Put the kernels of all problems, and those that every program needs, into the cache."""
    needed = {step.call.kernel for _, program in programs() for step in program.steps}
    compile_all([k for k in library() if k in needed or k.function.__module__.endswith((".walk", ".gemm"))])


def count() -> None:
    """Write the name of each problem; the plugin writes a count behind it."""
    mark = ctypes.CDLL(None).syscall
    for name, program in programs():
        for home in program.inputs:
            home[...] = numbers(*home.shape)
        program.execute()  # constants are packed
        print(f"problem {name}", file=sys.stderr, flush=True)
        mark(0x5A5A, 0)
        program.execute()
        mark(0x5A5A, 1)


if __name__ == "__main__":
    store() if sys.argv[1:] == ["store"] else count()
