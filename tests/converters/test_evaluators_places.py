"""Evaluators that move, select and make numbers, against onnxruntime."""

import numpy as np
import pytest
from onnx import TensorProto, helper
from onnx_judged import ANY, FOUR, IMAGE, INT, JUDGED, T, Table, X, check, ints

case = Table()

# movement
for _op in ("Identity", "Shape", "Size", "Transpose"):
    case(_op, X, dtypes=(*ANY, "float64"))
case("Shape", X, start=1, end=-1, opsets=(15, JUDGED))
case("Shape", X, start=-9, end=9, opsets=(15, JUDGED))
case("Transpose", X, dtypes=ANY, perm=[2, 0, 1])
case("Dropout", X)
case("Dropout", X, np.array(0.3, np.float32), np.array(False), opsets=(12, JUDGED), outputs=2)
case("Dropout", X, opsets=(10, JUDGED), outputs=2)
for _axis in (0, 1, 3):
    case("Flatten", X, dtypes=("float32", "int64"), axis=_axis)
case("Flatten", X, axis=-1, opsets=(11, JUDGED))
case("Reshape", X, ints(0, -1), dtypes=ANY)
case("Reshape", T((0, 3)), ints(3, 0), allowzero=1, opsets=(14, JUDGED))
case("Squeeze", T((1, 3, 1, 2)), dtypes=ANY)
case("Squeeze", T((1, 3, 1, 2)), axes=[2], opsets=(7, 12))
case("Squeeze", T((1, 3, 1, 2)), axes=[-2], opsets=(11, 12))
case("Squeeze", T((1, 3, 1, 2)), ints(-2), opsets=(13, JUDGED))
case("Unsqueeze", X, axes=[0, 4], opsets=(7, 12))
case("Unsqueeze", X, axes=[-1, 0], opsets=(11, 12))
case("Unsqueeze", X, ints(-1, 1), opsets=(13, JUDGED))
case("Concat", X, T((2, 1, 4)), T((2, 0, 4)), dtypes=ANY, axis=1)
case("Concat", X, T((2, 3, 2)), axis=-1, opsets=(11, JUDGED))
case("Split", T((2, 7)), axis=1, split=[2, 5], opsets=(7, 12), outputs=2)
case("Split", T((2, 6)), axis=1, opsets=(7, 17), outputs=3)
case("Split", T((2, 7)), ints(2, 0, 5), axis=-1, opsets=(13, JUDGED), outputs=3, dtypes=ANY)
case("Split", T((2, 7)), axis=1, num_outputs=3, opsets=(18, JUDGED), outputs=3)
case("Slice", X, starts=[1, -3], ends=[100, -1], axes=[1, 2], opsets=(7, 9))
case("Slice", X, starts=[1, 1], ends=[2, 9], opsets=(7, 9))
case("Slice", X, ints(0, -3), ints(2**40, -1), ints(1, -1), ints(2, 1), dtypes=ANY, opsets=(10, JUDGED))
case("Slice", X, ints(9, -1), ints(-9, -(2**40)), ints(1, 2), ints(-2, -1), opsets=(10, JUDGED))
case("Slice", X, ints(-9), ints(-20), ints(2), ints(-1), opsets=(10, JUDGED))
case("Slice", X, np.array([1], np.int32), np.array([2], np.int32), opsets=(10, JUDGED))
case("Expand", T((3, 1)), ints(2, 1, 4), dtypes=ANY)
case("Tile", X, ints(1, 2, 3), dtypes=("float32", "int64", "uint8", "bool"))
case("DepthToSpace", T((2, 8, 3, 2)), blocksize=2)
case("DepthToSpace", T((2, 8, 3, 2)), blocksize=2, mode="CRD", opsets=(11, JUDGED))
case("SpaceToDepth", T((2, 3, 4, 6)), blocksize=2)
case("ReverseSequence", T((4, 3, 2)), ints(1, 4, 2), dtypes=("float32", "int64"))
case("ReverseSequence", T((3, 4, 2)), ints(1, 4, 2), time_axis=1, batch_axis=0)
for _k in (-1, 0, 2):
    for _upper in (0, 1):
        case("Trilu", T((2, 3, 4)), np.array(_k, INT), dtypes=("float32", "int64", "bool"), upper=_upper)
case("CenterCropPad", T((3, 8, 5)), ints(6, 6), axes=[0, -1], dtypes=("float32",))
case("CenterCropPad", T((3, 8, 5)), ints(4, 5, 5), dtypes=("float32",))
for _mode in ("constant", "reflect", "edge"):
    case("Pad", IMAGE, mode=_mode, pads=[0, 0, 2, 1, 0, 0, 3, 4], opsets=(7, 10))
    case("Pad", IMAGE, mode=_mode, pads=[0, 0, -2, 1, 0, 0, 1, -4], opsets=(7, 10))
    case(
        "Pad",
        IMAGE,
        ints(0, 0, 2, 1, 0, 0, 3, 4),
        mode=_mode,
        opsets=(11, JUDGED),
        dtypes=FOUR,
    )
case("Pad", IMAGE, pads=[0, 0, 2, 1, 0, 0, 3, 4], value=1.5, opsets=(7, 10))
case(
    "Pad",
    IMAGE,
    ints(1, 0, -2, 1, 0, 0, 3, 4),
    T((), 2, 3),
    opsets=(11, JUDGED),
    dtypes=FOUR,
)
case("Pad", IMAGE, ints(1, 2, 3, 4), T((), 2, 3), ints(-1, 0), opsets=(18, JUDGED))
case("Pad", IMAGE, ints(0, 0, 2, 1, 0, 0, 3, 4), mode="wrap", opsets=(19, JUDGED))
case("Pad", T((2, 0)), ints(1, 1, 0, 2), opsets=(11, JUDGED))

# indices
case("Gather", X, ints([0, -1], [1, 0]), dtypes=ANY)
case("Gather", X, np.array([[2, -3]], np.int32), axis=-2, dtypes=("float32",))
case("GatherElements", X, ints([[0, -1]], [[1, 2]]), axis=2, dtypes=("float32", "int64", "bool"))
case("GatherND", X, ints([0, -1], [1, 0]), dtypes=("float32", "int64", "bool"))
case("GatherND", X, ints([[1]], [[-1]]), batch_dims=1, opsets=(12, JUDGED))
case("GatherND", X, ints([[[1]], [[2]], [[0]]], [[[-1]], [[3]], [[1]]]), batch_dims=2, opsets=(12, JUDGED))
for _op in ("ScatterElements", "Scatter"):
    last = 10 if _op == "Scatter" else JUDGED
    case(_op, T((3, 4)), ints([1, 0, 3], [2, 3, 0]), T((2, 3)), axis=1, opsets=(9, last), dtypes=("float32", "int64"))
for _kind, _since in (("add", 16), ("mul", 16), ("max", 18), ("min", 18)):
    many = ("float32", "float64", "int64", "int32", "uint8")
    case(
        "ScatterElements",
        T((3, 4)),
        ints([1, 0, 1], [-1, 3, 0]),
        T((2, 3)),
        axis=1,
        reduction=_kind,
        opsets=(_since, JUDGED),
        dtypes=many,
    )
    case("ScatterND", T((3, 4)), ints([1], [0], [-2]), T((3, 4)), reduction=_kind, opsets=(_since, JUDGED), dtypes=many)
case("ScatterND", T((3, 4)), ints([1, 0], [-1, 3]), T((2,)), opsets=(11, JUDGED), dtypes=("float32", "int64"))
case("NonZero", T((3, 4), -1, 1), dtypes=("float32", "int64", "bool"))
case("Compress", T((3, 4)), np.array([True, False, True]), axis=-1, opsets=(11, JUDGED))
case("Compress", T((3, 4)), np.array([True, False, True]), axis=0)
case("Compress", T((3, 4)), np.array([True, False, True, True]), dtypes=("float32", "int64"))

# sorting
case("TopK", T((3, 9)), k=4, outputs=2, opsets=(7, 9), dtypes=("float32",))
case("TopK", T((3, 9)), ints(4), axis=-1, outputs=2, opsets=(10, JUDGED), dtypes=("float32", "float64"))
for _largest in (0, 1):
    case(
        "TopK",
        T((3, 9), -3, 3),
        ints(5),
        largest=_largest,
        outputs=2,
        opsets=(11, JUDGED),
        dtypes=("float32", "int64", "int32"),
    )
case("TopK", T((9, 2), -3, 3), ints(9), axis=0, outputs=2, opsets=(11, JUDGED), dtypes=("int64",))
case("Unique", T((12,), -3, 3), outputs=4, dtypes=("int64",))
case("Unique", T((12,), -3, 3), outputs=4, sorted=0, dtypes=("int64",))
case("Unique", T((4, 3), 0, 1), outputs=4, axis=0, dtypes=("int64",))
case("Unique", T((3, 4), 0, 1), outputs=4, axis=1, sorted=0, dtypes=("int64",))

# new arrays
case("ConstantOfShape", ints(2, 3))
case("ConstantOfShape", ints(2, 0), value=helper.make_tensor("v", TensorProto.INT32, [1], [7]))
case("Range", np.array(1, np.float32), np.array(2, np.float32), np.array(0.1, np.float32))
case("Range", np.array(0, np.float32), np.array(0.3, np.float32), np.array(0.1, np.float32))
case("Range", np.array(9, INT), np.array(-2, INT), np.array(-3, INT))
case("Range", np.array(9, INT), np.array(12, INT), np.array(-3, INT))
case("EyeLike", T((3, 4)), dtypes=("float32", "int64"), k=1)
case("EyeLike", T((3, 4)), dtypes=("float32",), dtype=TensorProto.DOUBLE, k=-1)
for _to in ("float32", "float64", "float16", "int32", "int64", "uint8", "int8", "bool"):
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(_to))
    case(
        "Cast", T((3, 4), 0, 100), dtypes=("float32", "float64", "float16", "int64", "uint8"), to=kind, opsets=(13, 13)
    )
    case("Cast", T((3, 4)), dtypes=("int32", "bool"), to=kind, opsets=(9, 9))
case("CastLike", T((3, 4)), np.array(1, np.int32), dtypes=("float32", "int64"))
for _op in ("HannWindow", "HammingWindow", "BlackmanWindow"):
    case(_op, np.array(9, INT))
    case(_op, np.array(9, INT), periodic=0)


@pytest.mark.onnxruntime
@pytest.mark.parametrize(("op", "inputs", "dtype", "opset", "outputs", "attrs"), case)
@pytest.mark.filterwarnings("ignore")
def test_as_onnxruntime(op, inputs, dtype, opset, outputs, attrs):
    check(op, inputs, dtype, opset, outputs, attrs)
