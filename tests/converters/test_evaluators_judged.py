"""Evaluators against onnxruntime: every operator, dtype, version and form.

Where onnxruntime has no kernel for a dtype, it judges in a wider one, and the result is compared in the narrow one.
"""

import zlib
from typing import NamedTuple

import numpy as np
import onnx
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from onnx import TensorProto, helper
from onnx_evaluated import evaluated
from onnx_models import theirs

pytestmark = pytest.mark.onnxruntime

FLOATS = ("float32", "float64", "float16")
SIGNED = ("int8", "int16", "int32", "int64")
FOUR = ("float32", "float64", "int64", "uint8")
INTS = (*SIGNED, "uint8", "uint16", "uint32", "uint64")
NUMBERS = (*FLOATS, *INTS)
ANY = ("float32", "int64", "uint8", "bool", "float16")
JUDGED = 23  # newest opset tried with onnxruntime
INT = np.int64


class T(NamedTuple):
    """An input of the dtype that is tested, of the numbers from `low` to `high`."""

    shape: tuple
    low: float = -4
    high: float = 4

    def draw(self, rng, dtype):
        if dtype == "bool":
            return rng.random(self.shape) < 0.5
        if np.dtype(dtype).kind == "f":
            return np.asarray(rng.uniform(self.low, self.high, self.shape), dtype)
        low = max(int(self.low), 0) if dtype.startswith("u") else int(self.low)
        return np.asarray(rng.integers(low, int(self.high) + 1, self.shape), dtype)


CASES = []


def case(op, *inputs, dtypes=FLOATS, opsets=(7, JUDGED), outputs=1, **attrs):
    """A node: inputs are `T`, arrays, or None.

    It is tried at the first, the last and each new version of the range; with all dtypes at the last.
    """
    versions = {s.since_version for s in onnx.defs.get_all_schemas_with_history() if s.name == op and s.domain == ""}
    low, high = max(opsets[0], min(versions)), opsets[1]
    tried = sorted({low, high} | {v for v in versions if low <= v <= high})
    for opset in tried:
        many = dtypes if any(isinstance(i, T) for i in inputs) else ("",)
        for dtype in many if opset == high else many[:1]:
            form = ",".join(f"{k}={v}" for k, v in attrs.items() if not isinstance(v, onnx.TensorProto))
            shapes = ",".join("x".join(map(str, i.shape)) if i is not None else "-" for i in inputs)
            name = f"{op}-{opset}-{dtype}-{form}-{shapes}".replace(" ", "")
            CASES.append(pytest.param(op, inputs, dtype, opset, outputs, attrs, id=name))


def ints(*values):
    return np.array(values, INT)


X = T((2, 3, 4))
IMAGE = T((2, 3, 5, 6))

# arithmetic and logic
for _op in ("Abs", "Neg", "Sign"):
    case(_op, X, dtypes=(*FLOATS, *SIGNED))
for _op in ("Floor", "Ceil", "Round", "Sin", "Cos", "Tan", "Sinh", "Cosh", "Atan", "Asinh", "Tanh", "Exp", "Erf"):
    case(_op, X)
for _op in ("Sqrt", "Log", "Reciprocal"):
    case(_op, T((2, 3, 4), 0.1, 5))
for _op in ("Asin", "Acos", "Atanh"):
    case(_op, T((2, 3, 4), -0.9, 0.9))
case("Acosh", T((2, 3, 4), 1.1, 5))
for _op in ("Add", "Sub", "Mul"):
    case(_op, X, T((3, 1)), dtypes=FLOATS)
    case(_op, T((2, 3), -120, 120), T((2, 3), -120, 120), dtypes=INTS, opsets=(14, JUDGED))  # wraps around
case("Div", X, T((3, 1), 1, 4), dtypes=FLOATS)
case("Div", T((4, 5), -100, 100), T((4, 1), -9, -2), dtypes=SIGNED, opsets=(14, JUDGED))
case("Div", T((4, 5), 0, 100), T((4, 1), 2, 9), dtypes=INTS, opsets=(14, JUDGED))
case("Pow", T((3, 4), 0.2, 3), T((4,), -2, 2), dtypes=FLOATS)
case(
    "Pow", T((3, 4), -3, 3), np.array([0, 1, 2, 3], np.int32), dtypes=("float32", "int32", "int64"), opsets=(12, JUDGED)
)
case("Pow", T((3, 4), 1, 3), np.array([0, 1, 0.5, 2.5], np.float32), dtypes=("float64", "int32"), opsets=(12, JUDGED))
case("Mod", T((4, 5), -100, 100), T((5,), 2, 9), dtypes=INTS)
case("Mod", T((4, 5), -100, 100), T((5,), -9, -2), dtypes=SIGNED)
case("Mod", T((4, 5), -100, 100), T((5,), 2, 9), dtypes=(*NUMBERS,), fmod=1)
for _op in ("Min", "Max"):
    case(_op, X, T((3, 1)), T((4,)), dtypes=FLOATS, opsets=(8, JUDGED))
    case(_op, X, T((3, 1)), T((4,)), dtypes=NUMBERS, opsets=(13, JUDGED))
    case(_op, np.array([1, np.nan, 3], np.float32), np.array([np.nan, 1, 2], np.float32), opsets=(12, JUDGED))
for _op in ("Sum", "Mean"):
    case(_op, X, T((3, 1)), T((4,)), opsets=(8, JUDGED))
    case(_op, X)
for _op in ("Less", "Greater", "LessOrEqual", "GreaterOrEqual", "Equal"):
    case(_op, X, T((4,)), dtypes=(*FLOATS, "int32", "int64", "uint8"), opsets=(13, JUDGED))
for _op in ("And", "Or", "Xor"):
    case(_op, X, T((4,)), dtypes=("bool",))
case("Not", X, dtypes=("bool",))
case("IsNaN", np.array([1, np.nan, np.inf], np.float32))
for _attrs in ({}, {"detect_positive": 0}, {"detect_negative": 0}):
    case("IsInf", np.array([1, np.nan, np.inf, -np.inf], np.float32), **_attrs)
case("Where", np.array([[True], [False]]), T((2, 3)), T((3,)), dtypes=(*ANY, "float64", "int32"))
for _op in ("BitwiseAnd", "BitwiseOr", "BitwiseXor"):
    case(_op, T((3, 4), -100, 100), T((4,), -100, 100), dtypes=INTS)
case("BitwiseNot", T((3, 4), -100, 100), dtypes=INTS)
for _way in ("LEFT", "RIGHT"):
    case("BitShift", T((3, 4), 0, 100), T((4,), 0, 6), dtypes=("uint8", "uint32", "uint64"), direction=_way)

# activations
for _op in (
    "Relu",
    "LeakyRelu",
    "Elu",
    "Selu",
    "Celu",
    "Sigmoid",
    "HardSigmoid",
    "HardSwish",
    "Softplus",
    "Softsign",
    "Mish",
    "ThresholdedRelu",
    "Shrink",
    "Gelu",
):
    case(_op, X)
case("Relu", X, dtypes=("int8", "int32"), opsets=(14, JUDGED))
for _op in ("LeakyRelu", "Elu", "Celu", "ThresholdedRelu"):
    case(_op, X, alpha=0.7)
case("Selu", X, alpha=1.3, gamma=0.8)
case("HardSigmoid", X, alpha=0.4, beta=0.3)
case("Shrink", X, bias=0.5, lambd=1.5)
case("Gelu", X, approximate="tanh")
case("PRelu", X, T((3, 1)))
case("PRelu", X, T((1,)))
case("Clip", X, min=-1.0, max=2.0, opsets=(7, 10))
case("Clip", X, opsets=(7, 10), max=0.5)
case("Clip", X, T((), -1, -1), T((), 2, 2), opsets=(11, 11))
case(
    "Clip",
    X,
    T((), 1, 1),
    T((), 2, 2),
    dtypes=(*FLOATS, "int8", "uint8", "int32", "uint32", "int64", "uint64"),
    opsets=(12, JUDGED),
)
case("Clip", X, None, T((), 1, 1), opsets=(11, JUDGED))
case("Clip", X, T((), 1, 1), opsets=(11, JUDGED))
case("Clip", X, T((), 2, 2), T((), 1, 1), opsets=(12, JUDGED))
for _op in ("Softmax", "LogSoftmax", "Hardmax"):
    case(_op, X)
    for _axis in (0, 1, 2):
        case(_op, X, axis=_axis)
    case(_op, X, axis=-2, opsets=(11, JUDGED))

# reductions
for _op in (
    "ReduceSum",
    "ReduceMean",
    "ReduceProd",
    "ReduceMax",
    "ReduceMin",
    "ReduceL1",
    "ReduceL2",
    "ReduceSumSquare",
    "ReduceLogSum",
    "ReduceLogSumExp",
):
    since = 13 if _op == "ReduceSum" else 18
    many = (*FLOATS, "int32", "int64") if "Log" not in _op and _op != "ReduceL2" else FLOATS
    x = T((2, 3, 4), 1, 4)
    case(_op, x, dtypes=many, keepdims=0)
    case(_op, x, dtypes=many, axes=[1], opsets=(7, since - 1))
    case(_op, x, dtypes=many, axes=[-1, 0], keepdims=0, opsets=(11, since - 1))
    case(_op, x, ints(1), dtypes=many, opsets=(since, JUDGED))
    case(_op, x, ints(-1, 0), dtypes=many, keepdims=0, opsets=(since, JUDGED))
    case(_op, x, noop_with_empty_axes=1, dtypes=("float32",), opsets=(since, JUDGED))
for _op in ("ReduceMax", "ReduceMin"):
    case(_op, X, dtypes=("int8", "uint8"), opsets=(13, JUDGED))
case("ReduceMean", T((2, 3, 4), -9, 9), dtypes=("int32", "int64"), keepdims=0)
for _op in ("ArgMax", "ArgMin"):
    for _attrs in ({}, {"axis": 1, "keepdims": 0}):
        case(_op, T((3, 4, 5), -2, 2), dtypes=("float32", "float64", "int32", "int8", "float16"), **_attrs)
    case(_op, T((3, 4, 5), -1, 1), dtypes=("float32", "int32"), axis=-1, select_last_index=1, opsets=(12, JUDGED))
for _attrs in ({}, {"exclusive": 1}, {"reverse": 1}, {"exclusive": 1, "reverse": 1}):
    case("CumSum", X, np.array(-2, np.int32), dtypes=("float32", "float64", "int32", "int64"), **_attrs)
case("OneHot", ints([0, 2], [-1, 7]), ints(3), np.array([2, 5], np.float32))
case("OneHot", ints([0, 2], [-1, 7]), ints(3), np.array([2, 5], INT), axis=1)

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

# matrices
for _shapes in (((3, 4), (4, 5)), ((2, 1, 3, 4), (3, 4, 2)), ((4,), (4,)), ((4,), (2, 4, 3)), ((2, 3, 4), (4,))):
    case("MatMul", *map(T, _shapes), dtypes=(*FLOATS, "int32", "int64"), opsets=(9, JUDGED))
case("Gemm", T((3, 4)), T((4, 5)), T((5,)), dtypes=FLOATS)
case("Gemm", T((4, 3)), T((5, 4)), T((3, 1)), dtypes=(*FLOATS, "int32"), transA=1, transB=1, opsets=(9, JUDGED))
case("Gemm", T((4, 3)), T((5, 4)), T((3, 5)), transA=1, transB=1, alpha=0.5, beta=2.0)
case("Gemm", T((3, 4)), T((4, 5)), dtypes=FLOATS, opsets=(11, JUDGED))
for _equation, _shapes in {
    "ij,jk->ik": ((3, 4), (4, 5)),
    "bij, bjk -> bik": ((2, 3, 4), (2, 4, 5)),
    "ij->ji": ((3, 4),),
    "ij->": ((3, 4),),
    "ij,jk": ((3, 4), (4, 5)),
    "...ij,...jk->...ik": ((2, 3, 4), (2, 4, 5)),
    "i,j->ij": ((3,), (4,)),
    "ii->i": ((3, 3),),
}.items():
    case("Einsum", *map(T, _shapes), dtypes=("float32", "float64", "int64"), equation=_equation)
case("Det", T((2, 3, 3)), dtypes=("float32", "float64"))

# normalisations
CHANNELS = (T((3,), 0.5, 2), T((3,)))
case("BatchNormalization", IMAGE, *CHANNELS, T((3,)), T((3,), 0.5, 2), epsilon=0.01)
case("InstanceNormalization", IMAGE, *CHANNELS)
case("InstanceNormalization", T((2, 3, 7)), *CHANNELS, epsilon=0.1)
case("LayerNormalization", X, T((4,)), T((4,)), dtypes=FLOATS, outputs=3)
case("LayerNormalization", X, T((3, 4)), axis=1, epsilon=0.1)
case("GroupNormalization", T((2, 6, 5)), T((6,)), T((6,)), num_groups=3, opsets=(21, JUDGED), dtypes=("float32",))
case("RMSNormalization", X, T((4,)), dtypes=("float32",))
case("LRN", IMAGE, size=3)
case("LRN", T((2, 7, 3, 2)), size=5, alpha=0.1, beta=0.6, bias=2.0)
case("MeanVarianceNormalization", IMAGE)
for _p in (1, 2):
    case("LpNormalization", X, p=_p, axis=1)

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

#: operators for whose parameters in float64 onnxruntime takes numbers of 32 bits
ROUGH = {"BatchNormalization", "Gelu", "LayerNormalization", "LeakyRelu", "Shrink"}
WIDER = ("float32", "float64", "int64", "int32")


def judged(op, arrays, own, opset, outputs, attrs):
    """What onnxruntime computes, in the first dtype that it has a kernel for."""
    dtype = next((arrays[i].dtype for i in own), np.dtype(np.float32))
    errors = []
    for kind in dict.fromkeys((dtype.name, *(w for w in WIDER if (w[0] == "f") == (dtype.kind == "f")), *WIDER)):
        given = [a.astype(kind) if i in own else a for i, a in enumerate(arrays)]
        names = ["" if a is None else f"x{i}" for i, a in enumerate(given)]
        node = helper.make_node(op, names, [f"y{i}" for i in range(outputs)], **attrs)
        infos = [
            helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
            for n, a in zip(names, given, strict=True)
            if n
        ]
        made = [helper.make_empty_tensor_value_info(o) for o in node.output]
        graph = helper.make_graph([node], "one", infos, made)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
        try:
            return theirs(model, [a for a in given if a is not None]), kind
        except Exception as error:
            errors.append(str(error)[:200])
    raise AssertionError(errors)


@pytest.mark.parametrize(("op", "inputs", "dtype", "opset", "outputs", "attrs"), CASES)
@pytest.mark.filterwarnings("ignore")
def test_as_onnxruntime(op, inputs, dtype, opset, outputs, attrs):
    rng = np.random.default_rng(zlib.crc32(f"{op}{attrs}".encode()))
    arrays = [i.draw(rng, dtype) if isinstance(i, T) else i for i in inputs]
    own = [i for i, given in enumerate(inputs) if isinstance(given, T)]
    want, kind = judged(op, arrays, own, opset, outputs, attrs)
    node = helper.make_node(
        op, ["" if a is None else f"x{i}" for i, a in enumerate(arrays)], [f"y{i}" for i in range(outputs)], **attrs
    )
    got = evaluated(node, arrays, opset)
    assert len(got) >= outputs
    for y, w in zip(got, want, strict=False):
        assert y.shape == w.shape
        assert kind != dtype or y.dtype == w.dtype
        if y.dtype.kind == "f":
            eps = float(np.finfo(y.dtype).eps)
            eps = max(eps, 1.2e-7) if kind == "float32" else 1e-9 if op in ROUGH and dtype == "float64" else eps
            assert_allclose(y.astype(np.float64), w.astype(np.float64), rtol=40 * eps, atol=100 * eps)
        else:
            assert_array_equal(y, w.astype(y.dtype))
