"""Evaluators of windows, resized images and boxes, against onnxruntime."""

import numpy as np
import pytest
from onnx_judged import IMAGE, INT, JUDGED, T, Table, check, ints

case = Table()

# windows
KERNEL = T((4, 3, 3, 2))
case("Conv", IMAGE, KERNEL, T((4,)))
case("Conv", IMAGE, KERNEL, strides=[2, 1], dilations=[1, 2], pads=[1, 0, 2, 1])
for _auto in ("SAME_UPPER", "SAME_LOWER", "VALID"):
    case("Conv", IMAGE, KERNEL, strides=[2, 2], auto_pad=_auto)
    case("MaxPool", IMAGE, kernel_shape=[3, 2], strides=[2, 2], auto_pad=_auto)
    case("AveragePool", IMAGE, kernel_shape=[3, 2], strides=[2, 2], auto_pad=_auto)
case("Conv", T((2, 6, 7)), T((4, 3, 3)), group=2)
case("Conv", T((1, 2, 4, 5, 3)), T((2, 2, 2, 3, 2)))
WEIGHTS = T((3, 2, 3, 2))
case("ConvTranspose", IMAGE, WEIGHTS, T((2,)), strides=[2, 3])
case("ConvTranspose", IMAGE, WEIGHTS, strides=[2, 3], pads=[1, 0, 1, 1], output_padding=[1, 2], dilations=[1, 2])
case("ConvTranspose", IMAGE, WEIGHTS, strides=[2, 2], output_shape=[11, 12])
for _auto in ("SAME_UPPER", "SAME_LOWER"):
    case("ConvTranspose", IMAGE, WEIGHTS, strides=[2, 1], auto_pad=_auto, opsets=(11, JUDGED))
case("ConvTranspose", T((1, 4, 5)), T((4, 3, 3)), group=2)
for _ceil in (0, 1):
    window = {"kernel_shape": [3, 2], "strides": [2, 3], "pads": [1, 0, 1, 1], "ceil_mode": _ceil}
    case("MaxPool", IMAGE, opsets=(10, JUDGED), outputs=2, **window)
    case("MaxPool", IMAGE, opsets=(10, JUDGED), dilations=[2, 1], **window)
    for _count in (0, 1):
        case("AveragePool", IMAGE, opsets=(10, JUDGED), count_include_pad=_count, **window)
case("AveragePool", IMAGE, opsets=(19, JUDGED), dilations=[2, 1], **window)
case("MaxPool", IMAGE, kernel_shape=[2, 2], outputs=2, storage_order=1, opsets=(8, JUDGED), dtypes=("float32",))
case("MaxPool", IMAGE, kernel_shape=[2, 2], dtypes=("int8", "uint8"), opsets=(12, JUDGED))
case("MaxPool", T((2, 3, 7)), kernel_shape=[3])
case("LpPool", IMAGE, kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 1, 1], p=3, dtypes=("float32",))
for _op in ("GlobalAveragePool", "GlobalMaxPool"):
    case(_op, IMAGE)
case("GlobalLpPool", IMAGE, opsets=(7, 21))

# resized and sampled images
for _mode in ("nearest", "linear"):
    case("Upsample", IMAGE, scales=[1.0, 1.0, 2.0, 1.5], mode=_mode, opsets=(7, 8), dtypes=("float32",))
    case("Upsample", IMAGE, np.array([1, 1, 2, 1.5], np.float32), mode=_mode, opsets=(9, 9), dtypes=("float32",))
    case("Resize", IMAGE, np.array([1, 1, 0.6, 2.3], np.float32), mode=_mode, opsets=(10, 10), dtypes=("float32",))
for _where in ("half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners", "half_pixel_symmetric"):
    for _scales in ((0.6, 2.3), (0.2, 0.7), (3.0, 1.4)):
        for _mode in ("nearest", "linear", "cubic"):
            case(
                "Resize",
                IMAGE,
                None,
                np.array([1, 1, *_scales], np.float32),
                mode=_mode,
                dtypes=("float32",),
                coordinate_transformation_mode=_where,
                opsets=(19 if "symmetric" in _where else 13, JUDGED),
            )
for _near in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"):
    case(
        "Resize",
        IMAGE,
        None,
        None,
        ints(2, 3, 8, 3),
        nearest_mode=_near,
        opsets=(13, JUDGED),
        dtypes=("float32", "uint8", "int32"),
    )
case(
    "Resize",
    IMAGE,
    np.zeros(0, np.float32),
    np.array([1, 1, 0.6, 2], np.float32),
    opsets=(11, 11),
    coordinate_transformation_mode="tf_half_pixel_for_nn",
    dtypes=("float32",),
)
ROI = np.array([0, 0, 0.2, -0.3, 1, 1, 0.7, 1.2], np.float32)
for _mode in ("nearest", "linear", "cubic"):
    case(
        "Resize",
        IMAGE,
        ROI,
        None,
        ints(2, 3, 4, 7),
        mode=_mode,
        opsets=(13, JUDGED),
        dtypes=("float32",),
        coordinate_transformation_mode="tf_crop_and_resize",
        extrapolation_value=9.0,
    )
case(
    "Resize",
    IMAGE,
    None,
    np.array([1, 1, 0.6, 2.3], np.float32),
    mode="cubic",
    exclude_outside=1,
    cubic_coeff_a=-0.5,
    opsets=(13, JUDGED),
    dtypes=("float32",),
)
for _mode in ("linear", "cubic"):
    case(
        "Resize",
        T((2, 3, 11, 12)),
        None,
        np.array([1, 1, 0.4, 0.6], np.float32),
        mode=_mode,
        antialias=1,
        exclude_outside=1,
        opsets=(18, JUDGED),
        dtypes=("float32",),
    )
LARGE = np.array([1, 1, 2.3, 1.7], np.float32)
case("Resize", T((2, 3, 5, 6), 0, 127), None, LARGE, mode="linear", dtypes=("uint8", "int8"), opsets=(13, JUDGED))
for _policy in ("stretch", "not_larger", "not_smaller"):
    case(
        "Resize",
        IMAGE,
        None,
        None,
        ints(7, 9),
        axes=[3, 2],
        mode="linear",
        keep_aspect_ratio_policy=_policy,
        opsets=(18, JUDGED),
        dtypes=("float32",),
    )
GRID = T((2, 4, 3, 2), -1.6, 1.6)
for _align in (0, 1):
    for _padding in ("zeros", "border", "reflection"):
        for _mode in ("bilinear", "nearest", "bicubic"):
            case(
                "GridSample",
                IMAGE,
                GRID,
                mode=_mode,
                padding_mode=_padding,
                align_corners=_align,
                opsets=(16, 19),
                dtypes=("float32",),
            )
        for _mode in ("linear", "nearest"):
            case(
                "GridSample",
                T((2, 3, 4, 5, 3)),
                T((2, 2, 3, 4, 3), -1.6, 1.6),
                mode=_mode,
                padding_mode=_padding,
                align_corners=_align,
                opsets=(20, JUDGED),
                dtypes=("float32",),
            )
for _align in (0, 1):
    case("AffineGrid", T((2, 2, 3)), ints(2, 3, 4, 5), align_corners=_align, dtypes=("float32", "float64"))

# boxes
BOXES, SCORES = T((2, 20, 4), 0, 3), T((2, 3, 20), 0, 1)
for _centered in (0, 1):
    for _most, _overlap, _least in ((3, 0.3, 0.2), (0, 0.3, 0.2), (100, 0.0, 0.5), (100, 1.0, 0.0)):
        numbers = (np.array([_most], INT), np.array([_overlap], np.float32), np.array([_least], np.float32))
        case("NonMaxSuppression", BOXES, SCORES, *numbers, dtypes=("float32",), center_point_box=_centered)
case("NonMaxSuppression", BOXES, SCORES, np.array([5], INT), dtypes=("float32",))
case("NonMaxSuppression", BOXES, SCORES, dtypes=("float32",))

# regions and the way back
ROIS = np.array([[0, 0, 4, 3], [1.5, 0.5, 5, 9], [-3, -2, 2, 2], [3, 2, 3.2, 2.1]], np.float32)
for _form in ({}, {"sampling_ratio": 2, "spatial_scale": 0.7}, {"output_height": 2, "output_width": 3}):
    case("RoiAlign", IMAGE, ROIS, ints(0, 1, 1, 0), dtypes=("float32",), opsets=(10, 21), **_form)
case("RoiAlign", IMAGE, ROIS, ints(0, 1, 1, 0), dtypes=("float32",), output_height=2, opsets=(16, 21),
     coordinate_transformation_mode="output_half_pixel")  # fmt: skip
case("MaxUnpool", T((1, 1, 2, 2)), ints([[[0, 3], [9, 10]]]), kernel_shape=[2, 2], strides=[2, 2],
     opsets=(9, 11), dtypes=("float32",))  # fmt: skip
case("Col2Im", T((1, 12, 12)), ints(5, 6), ints(3, 2), strides=[1, 2], pads=[0, 1, 1, 0], dtypes=("float32",))


@pytest.mark.onnxruntime
@pytest.mark.parametrize(("op", "inputs", "dtype", "opset", "outputs", "attrs"), case)
@pytest.mark.filterwarnings("ignore")
def test_as_onnxruntime(op, inputs, dtype, opset, outputs, attrs):
    check(op, inputs, dtype, opset, outputs, attrs)
