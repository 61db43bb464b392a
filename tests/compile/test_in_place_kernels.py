"""Every op that says its result may take an operand's memory is run in both ways, and must give the same bits.

The kernels are compiled for pointers of which none reads what another writes, but for y[i] that lies where x[i] does
(`kernels.compiler`).  Whether they keep to it, their machine code alone can tell.
"""

import numpy as np
import pytest
from ops.pull import bits_equal

import edgenet.ops  # noqa: F401  (registers the ops)
from edgenet.compile import compile_graph
from edgenet.compile.in_place import Lives
from edgenet.graph import Graph, Op, emit, registered_ops
from edgenet.ops import conv, elementwise, gemm, norm, norm_train
from task_order import backwards

OPS = {name: op for name, op in sorted(registered_ops().items()) if type(op).over is not Op.over}
SEEDS = range(16)
SIZES = (1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65)
MANY = (300, 1000, 5000, 20000)  # so that kernels have several tasks
SPECIAL = np.array([0, -0.0, np.inf, -np.inf, np.nan, 1e-40], np.float32)


def draw(rng, shape):
    """Normal numbers, with some in between at which functions have their edges."""
    x = rng.standard_normal(shape).astype(np.float32)
    return np.where(rng.random(shape) < 0.02, rng.choice(SPECIAL, shape), x)


def shape_of(rng, rank):
    shape = [int(s) for s in rng.choice(SIZES, rank)]
    if rng.random() < 0.5:
        shape[rng.integers(rank)] = int(rng.choice(MANY))
    return tuple(shape) if np.prod(shape) < 60_000 else shape_of(rng, rank)


def binary(op, rng):
    """Equal shapes, or one operand that is repeated along some axes."""
    shape = shape_of(rng, int(rng.integers(1, 5)))
    other = tuple(1 if rng.random() < 0.3 else s for s in shape)[int(rng.integers(len(shape))) :]
    arrays = [draw(rng, shape), draw(rng, shape if rng.random() < 0.5 else other)]
    if op.name == "equal" and rng.random() < 0.5:
        arrays = [rng.integers(-2, 2, a.shape, np.int32) for a in arrays]
    turned = rng.random() < 0.5 and op.name != "prelu"  # whose slopes are repeated, and nothing else
    return arrays[::-1] if turned else arrays, {}


def unary(op, rng):
    """As many operands as the kernel reads, all of the same shape."""
    shape = shape_of(rng, int(rng.integers(1, 5)))
    attrs = dict(zip(op.params, np.sort(rng.standard_normal(len(op.params))).tolist(), strict=True))
    return [draw(rng, shape) for arg in op.kernel.args if arg.pointer and arg.reads], attrs


def batch_norm(op, rng):
    """x, dy and a residual have the shape of the result, all else has one number a channel."""
    shape = shape_of(rng, int(rng.integers(2, 5)))
    x, other = rng.standard_normal((2, *shape)).astype(np.float32)
    gamma, beta, mean, var = rng.uniform(0.5, 2, (4, shape[-1])).astype(np.float32)
    activation = (None, ("relu",), ("clip", -0.5, 0.5))[rng.integers(3)]
    arrays = {
        "batch_norm": [x, gamma, beta, mean, var], "batch_norm_dx": [x, gamma, var],
        "batch_norm_train": [x, gamma, beta, other], "batch_norm_train_dx": [x, gamma, beta, mean, var, other],
    }[op.name]  # fmt: skip
    attrs = {"epsilon": 1e-3}
    if "train" in op.name:
        attrs["activation"] = activation
    if op.name == "batch_norm_train_dx":
        attrs["again"] = bool(rng.integers(2))
    return arrays, attrs


def residual(op, rng):
    """Products that add a value as large as their result."""
    n, h, width, ci, co = (int(v) for v in (rng.integers(1, 4), *rng.choice(SIZES[:10], 2), *rng.choice(SIZES, 2)))
    k, stride, activation = int(rng.choice((1, 3))), int(rng.integers(1, 3)), (None, ("relu",))[rng.integers(2)]
    if op.name == "dense":
        x, w, y, attrs = (n * h, ci), (ci, co), (n * h, co), {"transpose_x": False, "transpose_w": False}
    else:
        y = (n, (h - 1) // stride + 1, (width - 1) // stride + 1, co)
        x, w, pad = (n, h, width, ci), (k, k, ci, co), (k // 2, k // 2)
        attrs = {"strides": (stride, stride), "padding": (pad, pad), "dilation": (1, 1), "groups": 1}
    if op.name == "conv2d_dx":  # with channels enough to add
        x, w = (*x[:3], ci + 16), (k, k, ci + 16, co)
        return [rng.standard_normal(s).astype(np.float32) for s in (y, w, x)], attrs | {"x_shape": x}
    shapes = (x, w, (co,), y)
    return [rng.standard_normal(s).astype(np.float32) for s in shapes], attrs | {"activation": activation}


#: how operands are drawn for the ops of a class
DRAWN = {
    elementwise.Binary: binary,
    elementwise.Unary: unary,
    **dict.fromkeys(
        (norm.BatchNorm, norm.BatchNormDx, norm_train.BatchNormTrain, norm_train.BatchNormTrainDx), batch_norm
    ),
    **dict.fromkeys((conv.Conv2D, conv.Conv2DDx, gemm.Dense), residual),
}


def problem(op, seed):
    """Arrays and attributes of a node; in some problems, operands of the same shape are the same one."""
    drawn = [DRAWN[c] for c in type(op).__mro__ if c in DRAWN]
    assert drawn, f"{op.name} says that it may work in place: tell in DRAWN what its operands may be"
    rng = np.random.default_rng(seed)
    arrays, attrs = drawn[0](op, rng)
    large = [i for i, a in enumerate(arrays) if a.shape == max((b.shape for b in arrays), key=np.prod)]
    sources = list(range(len(arrays)))
    if seed % 4 == 3 and drawn[0] is not residual:  # which may not lie over what a product reads
        for i in large:
            sources[i] = large[0]
    return arrays, sources, attrs


def program_of(name, arrays, sources, attrs, number, monkeypatch):
    """The op on its own; output 0 lies where candidate `number` of its `over` does, and nowhere else for None."""
    graph = Graph(name)
    inputs = [graph.input(a.shape, str(a.dtype), f"x{i}") for i, a in enumerate(arrays)]
    result = emit(name, [inputs[i] for i in sources], **attrs)
    graph.outputs = list(result) if isinstance(result, tuple) else [result]
    node = graph.nodes[0]
    places = [v for v in registered_ops()[name].over(node) if v.spec.size_bytes == node.output.spec.size_bytes]
    place = None if number is None else places[number]
    monkeypatch.setattr(Lives, "over", lambda self, node, number, root: place)
    program = compile_graph(graph, passes=False)
    assert program._places.root(node.output)[0] is (place or node.output)
    return program, len(places)


@pytest.mark.parametrize("name", OPS)
def test_what_works_in_place_gives_the_same_bits(name, monkeypatch):
    for seed in SEEDS:
        arrays, sources, attrs = problem(OPS[name], seed)
        apart, count = program_of(name, arrays, sources, attrs, None, monkeypatch)
        want = apart.run(*arrays)
        assert count, f"seed {seed}: no operand could be taken"
        for number in range(count):
            program, _ = program_of(name, arrays, sources, attrs, number, monkeypatch)
            for got in (program.run(*arrays), backwards(program, arrays)):
                for a, b in zip(got, want, strict=True):
                    assert bits_equal(a, b), f"seed {seed}, candidate {number}"
