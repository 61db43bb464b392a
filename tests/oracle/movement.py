"""Operations which move numbers and compute nothing; the dtype stays. Each gradient is the move backwards.

`depth_to_space` on NHWC makes each block*block run of channels into a block x block square of pixels. Of the input's
channels, DCR (depth, column, row) counts the pixel first and the output channel last: c = (i*block + j) * c_out + k;
CRD has the output channel first: c = k * block² + i*block + j. Source: the ONNX specification of DepthToSpace, whose
layout is NCHW.
"""

import numpy as np


def concat(xs, axis=-1):
    """The arrays one after another along the axis."""
    return np.concatenate([np.asarray(x) for x in xs], axis=axis)


def concat_grad(dy, sizes, axis=-1):
    """The pieces of dy, which are sizes[0], sizes[1], … long along the axis."""
    ends = np.cumsum(sizes)
    assert ends[-1] == dy.shape[axis], "the sizes do not add up"
    return [np.take(dy, range(end - size, end), axis=axis) for size, end in zip(sizes, ends, strict=True)]


def pad(x, widths, value=0):
    """x with widths[axis] = (before, after) more entries of this value around it."""
    x = np.asarray(x)
    y = np.full([before + size + after for size, (before, after) in zip(x.shape, widths, strict=True)], value, x.dtype)
    y[_inside(x.shape, widths)] = x
    return y


def pad_dx(dy, widths):
    """Gradient with respect to x."""
    shape = [size - before - after for size, (before, after) in zip(dy.shape, widths, strict=True)]
    return dy[_inside(shape, widths)].copy()


def transpose(x, perm):
    """Axis i of the result is axis perm[i] of x."""
    return np.transpose(x, perm).copy()


def transpose_dx(dy, perm):
    """Gradient with respect to x."""
    inverse = [list(perm).index(axis) for axis in range(len(perm))]
    return np.transpose(dy, inverse).copy()


def strided_slice(x, starts, stops, steps=None):
    """x[starts[0]:stops[0]:steps[0], …], an entry an axis, by Python's rules for None, negative and large numbers."""
    return np.asarray(x)[_slices(starts, stops, steps)].copy()


def strided_slice_dx(dy, x_shape, starts, stops, steps=None):
    """Gradient with respect to x: dy where it was read, zero elsewhere."""
    dx = np.zeros(x_shape, np.asarray(dy).dtype)
    dx[_slices(starts, stops, steps)] = dy
    return dx


def depth_to_space(x, block, *, mode="DCR"):
    """(n, h*block, w*block, c_out) from (n, h, w, block*block*c_out)."""
    x = np.asarray(x)
    n, h, w, c = x.shape
    y = np.zeros((n, h * block, w * block, c // block**2), x.dtype)
    for i, j in np.ndindex(block, block):
        y[:, i::block, j::block] = x[..., _channels(i, j, block, c, mode)]
    return y


def space_to_depth(x, block, *, mode="DCR"):
    """(n, h/block, w/block, block*block*c) from (n, h, w, c): the inverse of depth_to_space, and so its gradient."""
    x = np.asarray(x)
    n, h, w, c = x.shape
    y = np.zeros((n, h // block, w // block, c * block**2), x.dtype)
    for i, j in np.ndindex(block, block):
        y[..., _channels(i, j, block, c * block**2, mode)] = x[:, i::block, j::block]
    return y


def _inside(shape, widths):
    return tuple(slice(before, before + size) for size, (before, _) in zip(shape, widths, strict=True))


def _slices(starts, stops, steps):
    steps = [1] * len(starts) if steps is None else steps
    return tuple(slice(*triple) for triple in zip(starts, stops, steps, strict=True))


def _channels(i, j, block, c, mode):
    """The channels of the deep array which hold pixel (i, j) of each block, in the order of the output channels."""
    at = i * block + j
    return {"DCR": slice(at * (c // block**2), (at + 1) * (c // block**2)), "CRD": slice(at, None, block**2)}[mode]
