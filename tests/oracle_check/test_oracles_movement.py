import numpy as np
import pytest
from numpy.testing import assert_array_equal

from oracle import movement

X = np.arange(2 * 4 * 6 * 8, dtype=np.float32).reshape(2, 4, 6, 8)


def assert_adjoint(f, f_dx, x):
    """<dy, f(x)> = <f_dx(dy), x>, exactly, in integers: f only moves numbers, so it is linear."""
    rng = np.random.default_rng(1)
    x = rng.integers(-99, 99, x.shape)
    dy = rng.integers(-99, 99, f(x).shape)
    dx = f_dx(dy)
    assert dx.shape == x.shape
    assert np.vdot(dy, f(x)) == np.vdot(dx, x)


def test_concat(onnx_node):
    parts = [X[..., :3], X[..., 3:3], X[..., 3:]]
    assert_array_equal(movement.concat(parts), X)
    assert_array_equal(movement.concat([X, X + 1], axis=1), onnx_node("Concat", [X, X + 1], axis=1)[0])
    for piece, part in zip(movement.concat_grad(X, (3, 0, 5)), parts, strict=True):
        assert_array_equal(piece, part)
    above, below = movement.concat_grad(X, (1, 3), axis=1)
    assert_array_equal(above, X[:, :1])
    assert_array_equal(below, X[:, 1:])


def test_pad(onnx_node):
    assert_array_equal(movement.pad(np.array([1, 2]), [(1, 2)], 7), [7, 1, 2, 7, 7])
    widths = ((0, 0), (1, 2), (0, 3), (4, 0))
    pads = np.array([before for before, _ in widths] + [after for _, after in widths], np.int64)
    expected = onnx_node("Pad", [X, pads, np.float32(2.5)], mode="constant")[0]
    assert_array_equal(movement.pad(X, widths, 2.5), expected)
    assert_adjoint(lambda x: movement.pad(x, widths), lambda dy: movement.pad_dx(dy, widths), X)


@pytest.mark.parametrize("perm", [(0, 3, 1, 2), (0, 2, 3, 1), (3, 2, 1, 0), (1, 2, 3, 0)])
def test_transpose(onnx_node, perm):
    y = movement.transpose(X, perm)
    assert_array_equal(y, onnx_node("Transpose", [X], perm=perm)[0])
    assert y[tuple((1, 3, 5, 7)[axis] for axis in perm)] == X[1, 3, 5, 7]
    assert_adjoint(lambda x: movement.transpose(x, perm), lambda dy: movement.transpose_dx(dy, perm), X)


@pytest.mark.parametrize(
    ("starts", "stops", "steps"),
    [
        ((0, 1, 2, 3), (2, 4, 5, 99), None),
        ((0, -3, 0, 1), (1, -1, 6, 8), (1, 1, 2, 3)),
        ((1, 3, 5, 7), (-99, -99, -99, 1), (-1, -2, -1, -3)),
        ((0, 2, 0, 0), (2, 2, 6, 8), None),
    ],
)
def test_strided_slice(onnx_node, starts, stops, steps):
    arguments = starts, stops, steps
    tensors = [np.array(starts), np.array(stops), np.arange(4), np.array(steps or (1, 1, 1, 1))]
    assert_array_equal(movement.strided_slice(X, *arguments), onnx_node("Slice", [X, *tensors])[0])
    assert_adjoint(
        lambda x: movement.strided_slice(x, *arguments),
        lambda dy: movement.strided_slice_dx(dy, X.shape, *arguments),
        X,
    )


def test_strided_slice_worked_by_hand():
    assert_array_equal(movement.strided_slice(np.arange(9), [None], [None], [-4]), [8, 4, 0])
    assert_array_equal(movement.strided_slice_dx([1, 2, 3], (9,), [8], [None], [-4]), [3, 0, 0, 0, 2, 0, 0, 0, 1])


def test_depth_to_space_worked_by_hand():
    x = np.arange(8).reshape(1, 1, 1, 8)
    assert_array_equal(movement.depth_to_space(x, 2)[0], [[[0, 1], [2, 3]], [[4, 5], [6, 7]]])
    assert_array_equal(movement.depth_to_space(x, 2, mode="CRD")[0], [[[0, 4], [1, 5]], [[2, 6], [3, 7]]])


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_depth_to_space(onnx_node, mode):
    expected = onnx_node("DepthToSpace", [X.transpose(0, 3, 1, 2)], blocksize=2, mode=mode)[0]
    y = movement.depth_to_space(X, 2, mode=mode)
    assert_array_equal(y, expected.transpose(0, 2, 3, 1))
    assert_array_equal(movement.space_to_depth(y, 2, mode=mode), X)
    assert_adjoint(
        lambda x: movement.depth_to_space(x, 2, mode=mode), lambda dy: movement.space_to_depth(dy, 2, mode=mode), X
    )


def test_space_to_depth_agrees_with_onnxruntime(onnx_node):
    expected = onnx_node("SpaceToDepth", [X.transpose(0, 3, 1, 2)], blocksize=2)[0]
    assert_array_equal(movement.space_to_depth(X, 2), expected.transpose(0, 2, 3, 1))


def test_the_dtype_stays():
    x = np.arange(12, dtype=np.int8).reshape(1, 1, 3, 4)
    for y in (
        movement.concat([x, x]),
        movement.pad(x, [(1, 1)] * 4),
        movement.transpose(x, (0, 1, 3, 2)),
        movement.strided_slice(x, [0] * 4, [1] * 4),
        movement.depth_to_space(x, 2),
    ):
        assert y.dtype == np.int8
