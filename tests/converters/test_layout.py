"""Transposes appear only where data has to move: counted in graphs that were read."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from onnx import helper
from onnx_models import model_of, numbers, ours, theirs

from edgenet.converters.onnx import arrange, read
from tolerance import tolerance

pytestmark = pytest.mark.onnxruntime

NODE = helper.make_node
W, B, SCALE = numbers(0, (6, 3, 3, 3), (6,), (6, 1, 1))


def chain(*steps, source="x", result="y"):
    """Nodes one after the other: (op, further inputs, attributes)."""
    nodes, name = [], source
    for i, (op, inputs, attrs) in enumerate(steps):
        out = result if i == len(steps) - 1 else f"{result}_{i}"
        nodes.append(NODE(op, [name, *inputs], [out], **attrs))
        name = out
    return nodes


CONV = ("Conv", ["w", "b"], {"pads": [1, 1, 1, 1]})
POOL = ("MaxPool", [], {"kernel_shape": [2, 2]})
IN, OUT = ("Transpose", [], {"perm": [0, 3, 1, 2]}), ("Transpose", [], {"perm": [0, 2, 3, 1]})
NHWC, NCHW = (2, 5, 4, 3), (2, 3, 5, 4)
NETS = {
    # name: steps, input shape, transposes and reshapes left
    "conv of an NHWC model": ([IN, CONV, OUT], NHWC, 0, 0),
    "conv of an NCHW model": ([CONV], NCHW, 2, 0),
    "chain": ([IN, CONV, ("Relu", [], {}), ("Mul", ["s"], {}), POOL, OUT], NHWC, 0, 0),
    "pad and slice": ([IN, CONV, ("Pad", ["pads"], {}), ("Slice", ["one", "two", "three"], {}), OUT], NHWC, 0, 0),
    "softmax over channels": ([IN, CONV, ("Softmax", [], {"axis": 1}), OUT], NHWC, 0, 0),
    "reduced to channels": ([CONV, ("ReduceMean", [], {"axes": [2, 3], "keepdims": 0})], NCHW, 1, 0),
    "global pool and flatten": ([CONV, ("GlobalAveragePool", [], {}), ("Flatten", [], {})], NCHW, 1, 1),
    "detection head": ([CONV, OUT, ("Reshape", ["head"], {})], NCHW, 1, 1),
    "flattened image": ([CONV, ("Flatten", [], {})], NCHW, 2, 1),
    "one channel": ([("Conv", ["grey"], {})], (2, 1, 5, 4), 1, 1),
    "there and back": ([OUT, ("Relu", [], {}), IN], NCHW, 0, 0),
    "two turns": ([OUT, OUT, ("Relu", [], {}), IN, IN], NCHW, 0, 0),
    "split and gather": ([IN, CONV, ("Gather", ["few"], {"axis": 1}), OUT], NHWC, 0, 0),
    "squeezed": ([IN, CONV, ("Unsqueeze", ["two"], {}), ("Squeeze", ["two"], {}), OUT], NHWC, 0, 0),
}  # fmt: skip
STORED = {
    "w": W, "b": B, "s": SCALE, "grey": W[:, :1], "pads": np.array([0, 0, 1, 0, 0, 1, 0, 2]), "one": np.array([1]),
    "two": np.array([2]), "three": np.array([3]), "head": np.array([2, -1, 3]), "few": np.array([1, 3, 5]),
}  # fmt: skip


@pytest.mark.parametrize("name", NETS)
def test_number_of_transposes(name):
    steps, shape, transposes, reshapes = NETS[name]
    (x,) = numbers(1, shape)
    used = {i for _, inputs, _ in steps for i in inputs}
    model = model_of(chain(*steps), {"x": x}, ["y"], {k: STORED[k] for k in used})
    ops = [n.op for n in read(model).nodes]
    assert (ops.count("transpose"), ops.count("reshape")) == (transposes, reshapes), ops
    (y,), (want,) = ours(model, [x]), theirs(model, [x])
    assert y.shape == want.shape
    assert_allclose(y, want, *tolerance(y.dtype, 27))


def test_branches_share_one_transpose():
    (x,) = numbers(2, NCHW)
    nodes = [
        *chain(CONV, result="left"),
        *chain(CONV, result="right"),
        NODE("Concat", ["left", "right"], ["y"], axis=1),
    ]
    model = model_of(nodes, {"x": x}, ["y"], {"w": W, "b": B})
    assert [n.op for n in read(model).nodes].count("transpose") == 2  # where the image comes in, and for the output


def test_a_turned_tensor_shares_what_was_transposed():
    """The image as it came and the same turned twice need the same transpose."""
    (x,) = numbers(2, NCHW)
    turned = chain(OUT, IN, CONV, result="right")
    nodes = [*chain(CONV, result="left"), *turned, NODE("Concat", ["left", "right"], ["y"], axis=1)]
    model = model_of(nodes, {"x": x}, ["y"], {"w": W, "b": B})
    assert [n.op for n in read(model).nodes].count("transpose") == 2


def test_enlarging_repeats_pixels():
    (x,) = numbers(2, NHWC)
    resize = ("Resize", ["", "scales"], {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"})
    model = model_of(chain(IN, resize, OUT), {"x": x}, ["y"], {"scales": np.array([1, 1, 2, 3], np.float32)})
    assert {n.op for n in read(model).nodes} == {"reshape", "broadcast_to"}


def test_arrangements():
    rng = np.random.default_rng(3)
    for _ in range(50):
        rank = int(rng.integers(1, 6))
        axes, wanted, perm = (tuple(int(a) for a in rng.permutation(rank)) for _ in range(3))
        spoken = rng.standard_normal(rng.integers(1, 4, rank))
        held = spoken.transpose(axes)
        assert (held.transpose(arrange.permutation(axes, wanted)) == spoken.transpose(wanted)).all()
        assert (spoken.transpose(perm).transpose(arrange.renamed(axes, perm)) == held).all()
        gone = sorted(rng.choice(rank, int(rng.integers(0, rank)), replace=False).tolist())
        left = spoken.sum(tuple(gone)) if gone else spoken
        summed = held.sum(tuple(axes.index(a) for a in gone)) if gone else held
        np.testing.assert_allclose(summed, left.transpose(arrange.without(axes, gone)))
        more = sorted(rng.choice(rank + 2, 2, replace=False).tolist())
        longer = np.expand_dims(spoken, tuple(more)).transpose(arrange.with_new(axes, more))
        assert longer.size == held.size
        assert (longer.reshape(held.shape) == held).all()
        moved = held.transpose(perm)
        if not arrange.moves(held.shape, perm):
            assert (moved == held.reshape(moved.shape)).all()


def test_tied_weights_stay_tied():
    """A matrix used as it is and transposed is one variable."""
    (x,) = numbers(4, (2, 4))
    (w,) = numbers(5, (4, 3))
    nodes = [NODE("MatMul", ["x", "w"], ["h"]), NODE("Gemm", ["h", "w"], ["y"], transB=1)]
    model = model_of(nodes, {"x": x}, ["y"], {"w": w})
    graph = read(model)
    assert [v.name for v in graph.variables] == ["w"]
    assert_allclose(ours(model, [x])[0], x @ w @ w.T, *tolerance(np.float32, 12))
