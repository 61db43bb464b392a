"""TensorFlow's "same" padding: as many outputs as there are strides in the input, the odd zero at the end.

    out    = ceil(size / stride)
    total  = max((out - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    before = floor(total / 2),  after = total - before

Source: the TensorFlow documentation of tf.nn, "Notes on padding"; ONNX calls it SAME_UPPER.
"""


def same_padding(size, kernel, stride=1, dilation=1):
    """(out, before, after) for one axis."""
    out = -(-size // stride)
    total = max((out - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    before = total // 2
    return out, before, total - before
