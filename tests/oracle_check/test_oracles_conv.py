import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from cases import conv_cases
from oracle import conv
from oracle.difference import central_difference
from tolerance import tolerance


def test_numbers_worked_by_hand():
    x = np.arange(1.0, 10.0).reshape(1, 3, 3, 1)
    w = np.array([[1.0, 2.0], [3.0, 4.0]]).reshape(2, 2, 1, 1)
    # 1*1 + 2*2 + 3*4 + 4*5 = 37, and so on: the window is not flipped
    assert_array_equal(conv.conv2d(x, w)[0, ..., 0], [[37, 47], [67, 77]])
    assert_array_equal(conv.conv2d(x, w, [100.0])[0, ..., 0], [[137, 147], [167, 177]])
    assert_array_equal(conv.conv2d(x, w, padding=((1, 0), (0, 1)), strides=(2, 2))[0, ..., 0], [[11, 9], [67, 33]])
    assert_array_equal(conv.conv2d(x, w, dilation=(2, 2))[0, ..., 0], [[1 + 6 + 21 + 36]])


def test_gradients_worked_by_hand():
    x = np.arange(1.0, 10.0).reshape(1, 3, 3, 1)
    w = np.array([[1.0, 2.0], [3.0, 4.0]]).reshape(2, 2, 1, 1)
    dy = np.array([[1.0, 0.0], [0.0, 10.0]]).reshape(1, 2, 2, 1)
    assert_array_equal(conv.conv2d_dx(dy, w, x.shape)[0, ..., 0], [[1, 2, 0], [3, 14, 20], [0, 30, 40]])
    assert_array_equal(conv.conv2d_dw(x, dy, w.shape)[..., 0, 0], [[51, 62], [84, 95]])
    assert_array_equal(conv.conv2d_db(dy), [11])


def test_groups_see_only_their_own_channels():
    x = np.array([1.0, 10.0, 100.0, 1000.0]).reshape(1, 1, 1, 4)
    w = np.array([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]).reshape(1, 1, 2, 4)
    assert_array_equal(conv.conv2d(x, w, groups=2).ravel(), [51, 62, 7300, 8400])
    depthwise = np.arange(1.0, 9.0).reshape(1, 1, 1, 8)
    assert_array_equal(conv.conv2d(x, depthwise, groups=4).ravel(), [1, 2, 30, 40, 500, 600, 7000, 8000])


def test_small_integers_are_computed_in_wide_ones():
    x = np.full((1, 2, 2, 3), 127, np.int8)
    assert conv.conv2d(x, np.full((2, 2, 3, 1), 127, np.int8)).item() == 12 * 127 * 127


def test_a_window_larger_than_the_image_gives_nothing():
    assert conv.conv2d(np.ones((2, 1, 4, 3)), np.ones((3, 3, 3, 5)), strides=(1, 2)).shape == (2, 0, 1, 5)


@pytest.mark.parametrize("case", [case for case in conv_cases(0, 64) if case.n], ids=lambda case: f"seed{case.seed}")
def test_agrees_with_onnxruntime(onnx_node, case):
    x, w, b, _ = case.arrays()
    (top, bottom), (left, right) = case.padding
    expected = onnx_node(
        "Conv",
        [x.transpose(0, 3, 1, 2), w.transpose(3, 2, 0, 1), b],
        kernel_shape=[case.kh, case.kw],
        strides=case.strides,
        pads=[top, left, bottom, right],
        dilations=case.dilation,
        group=case.groups,
    )[0].transpose(0, 2, 3, 1)
    y = conv.conv2d(x, w, b, **case.attrs)
    assert y.shape == case.y_shape == expected.shape
    assert_allclose(expected, y, *tolerance(np.float32, case.k))


@pytest.mark.parametrize("case", conv_cases(100, 64), ids=lambda case: f"seed{case.seed}")
def test_gradients_are_adjoint(case):
    """<dy, conv(x, w)> = <dx, x> = <dw, w>, for convolution is linear in either; it is cheap at every size."""
    x, w, b, dy = case.arrays(np.float64)
    y = conv.conv2d(x, w, **case.attrs)
    dx = conv.conv2d_dx(dy, w, x.shape, **case.attrs)
    dw = conv.conv2d_dw(x, dy, w.shape, **case.attrs)
    assert (y.shape, dx.shape, dw.shape) == (case.y_shape, x.shape, w.shape)
    bounds = tolerance(np.float64, case.k * max(y.size, 1))
    assert_allclose([np.vdot(dx, x), np.vdot(dw, w)], [np.vdot(dy, y)] * 2, *bounds)
    assert_allclose(np.vdot(conv.conv2d_db(dy), b), np.vdot(dy, np.broadcast_to(b, y.shape)), *bounds)


@pytest.mark.parametrize("strides", [(1, 1), (2, 3)])
@pytest.mark.parametrize("padding", [((0, 0), (0, 0)), ((0, 1), (2, 1))])
@pytest.mark.parametrize("dilation", [(1, 1), (2, 1)])
@pytest.mark.parametrize(("groups", "co"), [(1, 3), (2, 2), (2, 4)])
def test_gradients_agree_with_central_differences(strides, padding, dilation, groups, co):
    rng = np.random.default_rng(5)
    attrs = {"strides": strides, "padding": padding, "dilation": dilation, "groups": groups}
    x, w = rng.standard_normal((2, 4, 4, 2)), rng.standard_normal((2, 3, 2 // groups, co))
    dy = rng.standard_normal(conv.conv2d(x, w, **attrs).shape)
    close = tolerance(np.float32, w[..., 0].size)
    dx = central_difference(lambda x: conv.conv2d(x, w, **attrs), x, dy)
    dw = central_difference(lambda w: conv.conv2d(x, w, **attrs), w, dy)
    assert_allclose(conv.conv2d_dx(dy, w, x.shape, **attrs), dx, *close)
    assert_allclose(conv.conv2d_dw(x, dy, w.shape, **attrs), dw, *close)
