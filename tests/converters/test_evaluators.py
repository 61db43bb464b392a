"""Evaluators of known nodes: the node cases of onnx, what must be refused, and sizes that have only a name."""

import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from onnx import TensorProto, helper, numpy_helper
from onnx.backend.test.loader import load_model_tests
from onnx_evaluated import evaluated

from edgenet.converters.onnx.errors import Refused
from edgenet.converters.onnx.fold import Unfit, can_fold
from edgenet.converters.onnx.fold.core import _folds

INT = np.int64

# the node cases of onnx ----------------------------------------------------------------------------------------------

#: cases that cannot pass
OTHERWISE = {
    "training_dropout": "random numbers",
    "bernoulli": "random numbers",
    "identity_sequence": "no tensor",
    "identity_opt": "no tensor",
    "roialign_mode_max": "the largest of weighted pixels that are not added up yet: mode=max is refused",
    "resize_downsample_scales_(linear|cubic)_align_corners": "expects the corner of a fraction of a pixel; "
    "the operator's page and onnxruntime know whole ones only",
}
QUANTISED = {"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul",
             "ConvInteger", "MatMulInteger"}  # fmt: skip
OPERATORS = sorted(set(_folds) - QUANTISED)


def _stored(case):
    """The model and data of a case; releases of onnx before 1.23 keep them in files."""
    if case.model is not None:
        return case.model, [tuple(map(list, data)) for data in case.data_sets]
    folder = Path(case.model_dir)
    sets = [[_tensors(d, kind) for kind in ("input", "output")] for d in sorted(folder.glob("test_data_set_*"))]
    return onnx.load(folder / "model.onnx"), sets


def _tensors(folder, kind):
    count = len(list(folder.glob(f"{kind}_*.pb")))
    return [onnx.TensorProto.FromString((folder / f"{kind}_{i}.pb").read_bytes()) for i in range(count)]


def _array(value):
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.asarray(value)


@pytest.fixture(scope="module")
def node_cases():
    """By operator: the cases of a single node."""
    cases = {}
    for case in load_model_tests(kind="node"):
        if "_expanded" in case.name or any(re.match(f"test_{name}", case.name) for name in OTHERWISE):
            continue
        model, data = _stored(case)
        if len(model.graph.node) == 1 and model.graph.node[0].op_type in _folds:
            cases.setdefault(model.graph.node[0].op_type, []).append((case, model, data))
    return cases


@pytest.mark.parametrize("op", sorted(_folds))
@pytest.mark.filterwarnings("ignore")
def test_node_cases_of_onnx(op, node_cases):
    """Quantised ones exactly, also where the types are no types of a graph: 2, 4 and 16 bits, float8, float16."""
    for case, model, data in node_cases.get(op, ()):
        (proto,), opset = model.graph.node, model.opset_import[0].version
        for inputs, outputs in data:
            left = iter(inputs)
            got = evaluated(proto, [_array(next(left)) if name else None for name in proto.input], opset)
            got = [y for y, name in zip(got, proto.output, strict=False) if name]
            assert len(got) == len(outputs), case.name
            for y, want in zip(got, map(_array, outputs), strict=True):
                assert (y.shape, y.dtype) == (want.shape, want.dtype), case.name
                if want.dtype.kind == "b":
                    assert_array_equal(y, want, case.name)
                elif op in QUANTISED:
                    assert_array_equal(y.astype(np.float64), want.astype(np.float64), case.name)
                else:
                    assert_allclose(_comparable(y), _comparable(want), case.rtol, case.atol, err_msg=case.name)


def _comparable(array):
    return array.astype(np.float64) if array.dtype.kind not in "iu" else array


def test_there_are_many_node_cases(node_cases):
    assert sum(map(len, node_cases.values())) > 600
    assert len(node_cases) > 100


# what must be refused ------------------------------------------------------------------------------------------------

F = np.float32
X = np.arange(24, dtype=F).reshape(2, 3, 4)
REFUSED = {
    "an index out of range": ("Gather", [X, np.array([5], INT)], {}, "index 5 is out of bounds for an axis of size 2"),
    "and below": ("GatherElements", [X[0], np.array([[-4]], INT)], {}, "index -4 is out of bounds"),
    "in a row": ("GatherND", [X, np.array([[0, 3]], INT)], {}, "index 3 is out of bounds"),
    "written": ("ScatterND", [X, np.array([[2]], INT), X[:1]], {}, "index 2 is out of bounds"),
    "updates": ("ScatterND", [X, np.array([[1]], INT), X], {}, "expected updates of shape [1, 3, 4]"),
    "an axis": ("Concat", [X, X], {"axis": 3}, "axis 3 does not exist among 3 axes"),
    "the same axis": ("ReduceSum", [X, np.array([0, -3], INT)], {}, "twice"),
    "ranks": ("Concat", [X, X[0]], {"axis": 0}, "differ"),
    "shapes": ("Add", [X, X[:, :2]], {}, "[2, 3, 4] and [2, 2, 4] do not broadcast"),
    "dtypes": ("Add", [X, X.astype(INT)], {}, "int64, but another is float32"),
    "a dtype": ("Sqrt", [X.astype(INT)], {}, "int64, which Sqrt does not take"),
    "text": ("Cast", [X], {"to": TensorProto.STRING}, "not supported"),
    "too few": ("Add", [X], {}, "expected 2 inputs, got 1"),
    "too many": ("Relu", [X, X], {}, "expected 1 inputs, got 2"),
    "a missing one": ("Add", [X, None], {}, "input 1 is missing"),
    "no numbers left": ("ArgMax", [X[:0]], {"axis": 0}, "no elements"),
    "a division": ("Mod", [X.astype(INT), np.array(0, INT)], {}, "divides by zero"),
    "a permutation": ("Transpose", [X], {"perm": [0, 1, 1]}, "perm=[0, 1, 1]"),
    "two open sizes": ("Reshape", [X, np.array([-1, -1], INT)], {}, "is no shape"),
    "a count": ("Reshape", [X, np.array([5, 5], INT)], {}, "float32[2, 3, 4]"),
    "a squeezed size": ("Squeeze", [X, np.array([1], INT)], {}, "not all of which are 1"),
    "repetitions": ("Tile", [X, np.array([1, -2, 1], INT)], {}, "repetitions"),
    "a size": ("Resize", [X, None, None, np.array([2**20, 2**20, 4], INT)], {}, "1048576"),
    "a tiny scale": ("Resize", [X, None, np.array([1, 1, 1e-12], F)], {"mode": "cubic", "antialias": 1}, "too large"),
    "a scale": ("Resize", [X, None, np.array([1, 0, np.inf], F)], {}, "scales"),
    "pads": ("Pad", [X, np.array([2**40] * 6, INT)], {}, "too large"),
    "nothing to repeat": ("Pad", [X[:, :0], np.array([0, 1, 0, 0, 1, 0], INT)], {"mode": "edge"}, "nothing to pad"),
    "a mode": ("Pad", [X, np.array([0] * 6, INT)], {"mode": "mirror"}, "'mirror'"),
    "a window": ("MaxPool", [X], {"kernel_shape": [9]}, "windows"),
    "channels": ("Conv", [X, np.zeros((4, 2, 1), F)], {}, "3 channels"),
    "groups": ("Conv", [X, np.zeros((4, 1, 1), F)], {"group": 0}, "group=0"),
    "a product": ("MatMul", [X, X], {}, "no product"),
    "letters": ("Einsum", [X], {"equation": "ij->ij"}, "does not fit"),
    "a large sum": ("Einsum", [np.zeros(2**10, F)] * 3, {"equation": "i,j,k->ijk"}, "too large"),
    "k": ("TopK", [X, np.array([9], INT)], {}, "takes 9 of the 4"),
    "a depth": ("OneHot", [X, np.array(2**40, INT), np.array([0, 1], F)], {}, "too large"),
    "random": ("RandomNormal", [], {"shape": [2]}, "random"),
    "training": ("Dropout", [X, np.array(0.5, F), np.array(True)], {}, "random"),
    "boxes": ("NonMaxSuppression", [X, X], {}, "do not fit"),
    "points": ("GridSample", [X, X], {}, "do not fit"),
    "a range": ("Range", [np.array(0, F), np.array(np.inf, F), np.array(1, F)], {}, "in steps of"),
    "strings": ("Constant", [], {"value_string": "a"}, "strings"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_refused(what):
    op, arrays, attrs, reason = REFUSED[what]
    node = helper.make_node(op, ["" if a is None else "i" for a in arrays], ["y"], **attrs)
    with pytest.raises(Refused, match=re.escape(reason)):
        evaluated(node, arrays)


DTYPES = ["float32", "float64", "float16", "int64", "int32", "uint8", "bool"]
arrays = st.one_of(
    st.none(),
    st.builds(
        lambda dtype, shape, seed: np.random.default_rng(seed).integers(-3, 5, shape).astype(dtype),
        st.sampled_from(DTYPES), st.lists(st.integers(0, 4), max_size=5), st.integers(0, 99),
    ),
    st.lists(st.sampled_from([0, 1, -1, 2, 3, -7, 2**31, -(2**62)]), max_size=4).map(lambda v: np.array(v, INT)),
)  # fmt: skip
VALUES = st.one_of(
    st.integers(-3, 4), st.sampled_from([2**31, -(2**62), 0.5, 1e30]),
    st.lists(st.integers(-2, 3), min_size=1, max_size=6),
    st.sampled_from(["", "linear", "wrap", "SAME_UPPER", "ij->i"]),
)  # fmt: skip


@settings(max_examples=3000, deadline=None)
@given(st.sampled_from(OPERATORS), st.lists(arrays, max_size=5), st.sampled_from([7, 11, 13, 18, 23]), st.data())
@pytest.mark.filterwarnings("ignore")
def test_nothing_else_than_refused(op, given_arrays, opset, data):
    known = sorted(onnx.defs.get_schema(op).attributes)
    names = data.draw(st.lists(st.sampled_from(known), max_size=3, unique=True)) if known else []
    attrs = {name: data.draw(VALUES) for name in names}
    node = helper.make_node(op, ["" if a is None else "i" for a in given_arrays], ["y"], **attrs)
    try:
        results = evaluated(node, given_arrays, opset)
    except (Refused, AssertionError):  # the assertion: an attribute that nobody looked at
        return
    assert all(isinstance(r, np.ndarray) and r.dtype != object for r in results)


# sizes that have only a name -----------------------------------------------------------------------------------------


def test_names_of_sizes_travel():
    shape = np.array(["batch", 3, 8], object)
    one = np.array([1], INT)

    def run(op, *given_arrays, **attrs):
        return evaluated(helper.make_node(op, ["i"] * len(given_arrays), ["y"], **attrs), given_arrays)[0]

    assert run("Gather", shape, np.array(0, INT)).item() == "batch"
    assert list(run("Concat", run("Slice", shape, np.array([0], INT), one), one, axis=0)) == ["batch", 1]
    assert list(run("Cast", shape, to=TensorProto.INT32)) == ["batch", 3, 8]
    assert list(run("Unsqueeze", run("Squeeze", shape[:1]), np.array([0], INT))) == ["batch"]
    assert list(run("Where", shape == 3, shape, shape)) == ["batch", 3, 8]
    assert list(run("Equal", shape, shape)) == [True] * 3
    assert list(run("Shape", shape)) == [3]
    for op in ("Mul", "Div", "Max"):
        with pytest.raises(Refused, match="the size batch"):
            run(op, shape, shape)
    with pytest.raises(Refused, match="the size batch"):
        run("Expand", one, shape)


def test_arrays_that_do_not_fit_are_told_from_what_nobody_knows():
    gather, cast = helper.make_node("Gather", ["x", "i"], ["y"]), helper.make_node("Cast", ["x"], ["y"], to=8)
    with pytest.raises(Unfit, match="index 7"):
        evaluated(gather, [X, np.array(7, INT)])
    with pytest.raises(Refused, match="not supported") as caught:
        evaluated(cast, [X])
    assert not isinstance(caught.value, Unfit)


def test_what_is_known_of_an_operator():
    assert can_fold("Gather", "")
    assert not can_fold("Gather", "com.microsoft")
    assert not can_fold("LSTM", "")
