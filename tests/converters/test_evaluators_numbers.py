"""Evaluators that compute, against onnxruntime: every operator, dtype, version and form."""

import numpy as np
import pytest
from onnx_judged import ANY, FLOATS, IMAGE, INT, INTS, JUDGED, NUMBERS, SIGNED, T, Table, X, check, ints

case = Table()

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


@pytest.mark.onnxruntime
@pytest.mark.parametrize(("op", "inputs", "dtype", "opset", "outputs", "attrs"), case)
@pytest.mark.filterwarnings("ignore")
def test_as_onnxruntime(op, inputs, dtype, opset, outputs, attrs):
    check(op, inputs, dtype, opset, outputs, attrs)
