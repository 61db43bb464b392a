import itertools

import numpy as np
import pytest

from oracle.same_padding import same_padding


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((5, 3), (5, 1, 1)),
        ((5, 2), (5, 0, 1)),  # the odd zero stands at the end
        ((224, 3, 2), (112, 0, 1)),
        ((224, 7, 2), (112, 2, 3)),
        ((7, 3, 2), (4, 1, 1)),
        ((7, 1, 3), (3, 0, 0)),  # a stride above the kernel needs no padding
        ((8, 3, 1, 2), (8, 2, 2)),
        ((1, 5, 4), (1, 2, 2)),
    ],
)
def test_numbers_worked_by_hand(arguments, expected):
    assert same_padding(*arguments) == expected


def test_agrees_with_onnxruntime(onnx_node):
    for size, kernel, stride in itertools.product((1, 4, 5, 8), (1, 2, 3, 5), (1, 2, 3)):
        out, before, after = same_padding(size, kernel, stride)
        x = np.arange(1, size + 1, dtype=np.float32)
        w = np.arange(1, kernel + 1, dtype=np.float32)
        padded = np.pad(x, (before, after))
        expected = [padded[start * stride : start * stride + kernel] @ w for start in range(out)]
        y = onnx_node("Conv", [x.reshape(1, 1, -1), w.reshape(1, 1, -1)], strides=[stride], auto_pad="SAME_UPPER")[0]
        assert y.ravel().tolist() == expected, (size, kernel, stride)
