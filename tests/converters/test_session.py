"""InferenceSession: whatever a model asks for, compiled where it can be and evaluated where it must be."""

import subprocess
import sys
import threading

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from onnx import TensorProto, helper
from onnx_models import model_of, node_model, numbers, theirs

from edgenet import InferenceSession
from edgenet.converters.onnx import EvaluationError, UnsupportedModelError, plan, read, steps
from edgenet.converters.onnx.errors import Refused, Unfit
from edgenet.converters.onnx.steps import Compiled, Evaluated
from edgenet.graph import ShapeError
from edgenet.kernels.parallel import Table, get_num_threads

NODE = helper.make_node
(X,) = numbers(0, (2, 3))


def kinds(session):
    return [type(step).__name__ for step in session._plan.steps()]


def mixed():
    """Float, then integers, then float again: two compiled runs with NumPy between them."""
    nodes = [
        NODE("Relu", ["x"], ["a"]),
        NODE("Exp", ["x"], ["e"]),
        NODE("Cast", ["a"], ["i"], to=TensorProto.INT64),
        NODE("Add", ["i", "i"], ["j"]),
        NODE("Cast", ["j"], ["f"], to=TensorProto.FLOAT),
        NODE("Sigmoid", ["f"], ["s"]),
        NODE("Mul", ["s", "e"], ["y"]),
    ]
    return model_of(nodes, {"x": X}, ["y", "j"], shapes={"x": ("n", 3)})


def test_what_cannot_be_compiled_is_evaluated_between_compiled_parts():
    session = InferenceSession(mixed())
    y, j = session.run(None, {"x": X * 3})
    assert j.dtype == np.int64
    assert_array_equal(j, 2 * np.maximum(X * 3, 0).astype(np.int64))
    assert_allclose(y, np.exp(X * 3) / (1 + np.exp(-j)), rtol=1e-5)
    found = kinds(session)
    assert found.count("Compiled") == 2, found
    assert "Exp" in [n.op_type for s in session._plan.steps() if isinstance(s, Compiled) for n in s.nodes[:2]]


def test_one_plan_for_equal_shapes_and_the_oldest_goes():
    session = InferenceSession(mixed())
    session.run(None, {"x": X})
    before = session._plan.steps()
    session.run(None, {"x": X + 1})
    assert list(map(id, session._plan.steps())) == list(map(id, before))
    for n in (1, 2, 7, 0, 1, 5, 6, 2):
        (x,) = numbers(n, (n, 3))
        y, _ = session.run(None, {"x": x})
        assert y.shape == (n, 3)
    assert len(session._plan.steps()) <= plan.STARTS * len(before)


def test_shapes_that_come_out_of_data():
    nodes = [
        NODE("Exp", ["x"], ["e"]),
        NODE("NonZero", ["x"], ["z"]),
        NODE("Transpose", ["z"], ["t"]),
        NODE("Cast", ["t"], ["f"], to=TensorProto.FLOAT),
        NODE("MatMul", ["f", "w"], ["y"]),
    ]
    w = np.array([[1, 2], [3, 4]], np.float32)
    session = InferenceSession(model_of(nodes, {"x": X}, ["y", "e"], {"w": w}))
    for seed in range(4 * plan.PATIENCE):
        x = (np.random.default_rng(seed).random((7, 3)) < 0.5).astype(np.float32)
        y, _ = session.run(None, {"x": x})
        assert_allclose(y, np.transpose(np.nonzero(x)) @ w)
        assert len(session._plan.steps()) < 40


def test_doubles_stay_doubles():
    x = X.astype(np.float64) + 1e-12
    session = InferenceSession(node_model("Add", {"a": x, "b": x}))
    (y,) = session.run(None, {"a": x, "b": x})
    assert y.dtype == np.float64
    assert_array_equal(y, x + x)
    assert kinds(session) == ["Evaluated"]


def test_halves_are_computed_in_single_and_come_back_as_halves():
    x = X.astype(np.float16)
    nodes = [NODE("MatMul", ["x", "w"], ["a"]), NODE("ArgMax", ["a"], ["i"], axis=1), NODE("Relu", ["a"], ["y"])]
    model = model_of(nodes, {"x": x}, ["y", "i", "a"], {"w": np.eye(3, dtype=np.float16)})
    session = InferenceSession(model)
    y, i, a = session.run(None, {"x": x})
    assert (y.dtype, i.dtype, a.dtype) == (np.float16, np.int64, np.float16)
    assert_array_equal(a, x)
    assert "Compiled" in kinds(session)


def test_sizes_among_the_feeds_are_compiled_for_until_they_change_too_often():
    session = InferenceSession(node_model("Reshape", {"x": X, "s": np.array([3, 2])}))
    assert_array_equal(session.run(None, {"x": X, "s": np.array([3, 2])})[0], X.reshape(3, 2))
    assert kinds(session) == ["Compiled"]
    for i in range(3 * plan.PATIENCE):
        shape = np.array([1] * i + [2, 3])
        assert session.run(None, {"x": X, "s": shape})[0].shape == tuple(shape)
    assert "Evaluated" in kinds(session)


@pytest.mark.parametrize("known", [True, False])
def test_branches(known):
    graphs = {
        name: helper.make_graph(
            [NODE(op, ["a"], [f"{name}_y"])], name, [], [helper.make_tensor_value_info(f"{name}_y", 1, [2, 3])]
        )
        for name, op in (("then_branch", "Neg"), ("else_branch", "Exp"))
    }
    nodes = [NODE("Abs", ["x"], ["a"]), NODE("If", ["c"], ["r"], **graphs), NODE("Sqrt", ["r"], ["y"])]
    condition = np.array(False)
    model = model_of(nodes, {"x": X} if known else {"x": X, "c": condition}, ["r"], {"c": condition} if known else {})
    session = InferenceSession(model)
    if known:
        assert_allclose(session.run(None, {"x": X})[0], np.exp(np.abs(X)), rtol=1e-6)
        assert kinds(session) == ["Compiled"]
        assert [n.op for n in read(model).nodes][-1] == "exp"
        return
    for value in (True, False, True):
        (r,) = session.run(None, {"x": X, "c": np.array(value)})
        assert_allclose(r, -np.abs(X) if value else np.exp(np.abs(X)), rtol=1e-6)


def test_truths_that_numpy_made_are_compiled():
    """A mask that comes of integers; what selects by it is one program."""
    nodes = [
        NODE("Equal", ["i", "zero"], ["pad"]),
        NODE("Not", ["pad"], ["kept"]),
        NODE("Cast", ["kept"], ["mask"], to=TensorProto.FLOAT),
        NODE("Mul", ["x", "mask"], ["m"]),
        NODE("Where", ["pad", "x", "m"], ["w"]),
        NODE("Cast", ["kept"], ["n"], to=TensorProto.INT64),
    ]
    feeds = {"x": X, "i": np.array([[0, 1, 2], [3, 0, 0]])}
    session = InferenceSession(model_of(nodes, feeds, ["w", "kept", "n"], {"zero": np.array(0)}))
    w, kept, n = session.run(None, feeds)
    assert_array_equal(w, X)
    assert_array_equal(kept, feeds["i"] != 0)
    assert (kept.dtype, n.dtype) == (np.bool_, np.int64)
    assert_array_equal(n, kept)
    compiled = next(s for s in session._plan.steps() if isinstance(s, Compiled))
    assert {p.op_type for p in compiled.nodes} >= {"Not", "Where", "Mul"}


@pytest.mark.parametrize("kind", [{}, {"detect_negative": 0}, {"detect_positive": 0}, None])
def test_what_is_no_number(kind):
    x = np.array([[1, np.nan, np.inf], [-np.inf, np.finfo(np.float32).max, 0]], np.float32)
    model = node_model("IsNaN", {"x": x}) if kind is None else node_model("IsInf", {"x": x}, **kind)
    session = InferenceSession(model)
    (y,) = session.run(None, {"x": x})
    assert y.dtype == np.bool_
    assert_array_equal(y, theirs(model, [x])[0])
    assert kinds(session) == ["Compiled"]


def test_the_calls_of_onnxruntime():
    session = InferenceSession(mixed(), providers=["CPUExecutionProvider"], threads=1)
    assert [tuple(a) for a in session.get_inputs()] == [("x", ["n", 3], "tensor(float)")]
    assert [(a.name, a.type) for a in session.get_outputs()] == [("y", "tensor(float)"), ("j", "tensor(int64)")]
    assert session.get_providers() == ["CPUExecutionProvider"]
    assert session.get_modelmeta().graph_name == "test"
    (j,) = session.run(["j"], {"x": X})
    assert j.dtype == np.int64
    assert_array_equal(session.run(["j", "y"], {"x": X.tolist()})[0], j)
    with pytest.warns(UserWarning, match="CUDAExecutionProvider"):
        InferenceSession(mixed(), None, ["CUDAExecutionProvider"])
    with pytest.warns(UserWarning, match="provider_options"):
        InferenceSession(mixed(), provider_options=[{}])


@pytest.mark.onnxruntime
def test_options_of_onnxruntime_set_the_threads():
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    assert InferenceSession(mixed(), options).threads == 1


@pytest.mark.onnxruntime
def test_onnxruntime_agrees():
    for want, got in zip(theirs(mixed(), [X]), InferenceSession(mixed()).run(None, {"x": X}), strict=True):
        assert want.dtype == got.dtype
        assert_allclose(got, want, rtol=1e-5)


def test_wrong_feeds():
    session = InferenceSession(mixed())
    with pytest.raises(ValueError, match="'x' missing and 'z' unknown"):
        session.run(None, {"z": X})
    with pytest.raises(ValueError, match="no output 'q'"):
        session.run(["q"], {"x": X})
    with pytest.raises(TypeError, match=r"expected float32, got float64"):
        session.run(None, {"x": X.astype(np.float64)})
    for wrong in (X[0], X[:, :2]):
        with pytest.raises(ShapeError, match=r"'x': expected shape \['n', 3\], got"):
            session.run(None, {"x": wrong})
    with pytest.raises(TypeError, match="dictionary"):
        session.run(None, [X])
    with pytest.raises(ValueError, match="threads"):
        InferenceSession(mixed(), threads=0)


def repeating():
    """A session that is one program, after a run; it has two inputs, of which `a` comes first in the model."""
    nodes = [NODE("Relu", ["b"], ["r"]), NODE("Sub", ["r", "a"], ["y"]), NODE("Neg", ["y"], ["z"])]
    session = InferenceSession(model_of(nodes, {"a": X, "b": X}, ["y", "z"], shapes={"a": ("n", 3), "b": ("n", 3)}))
    session.run(None, {"a": X, "b": X})
    assert session._again is not None
    return session


def test_runs_that_repeat_take_the_short_way(monkeypatch):
    session = repeating()
    monkeypatch.setattr(plan.Plan, "run", None)
    for seed in range(3):
        a, b = numbers(seed, (2, 3), (2, 3))
        feeds = {"b": b, "a": np.asfortranarray(a)}
        y, z = session.run(None, feeds)
        assert_array_equal(y, np.maximum(b, 0) - a)
        assert_array_equal(z, -y)
        (again,) = session.run(["z"], feeds)
        assert_array_equal(again, z)
        y[:] = 7
        assert_array_equal(session.run(["y"], feeds)[0], -z)


def test_after_a_run_wrong_feeds_are_refused_as_before():
    session = repeating()
    for feeds, error, said in [
        ({"a": X}, ValueError, "'b' missing"),
        ({"a": X, "c": X}, ValueError, "'b' missing and 'c' unknown"),
        ({"a": X, "b": X, "c": X}, ValueError, "'c' unknown"),
        ({"a": X, "b": X.astype(np.float64)}, TypeError, "'b': expected float32, got float64"),
        ({"a": X.view(np.int32), "b": X}, TypeError, "'a': expected float32, got int32"),
        ({"a": X.astype(">f4"), "b": X}, TypeError, "'a': expected float32, got >f4"),
        ({"a": X, "b": X[:, :1]}, ShapeError, r"'b': expected shape \['n', 3\], got \[2, 1\]"),
        ({"a": X, "b": X[0]}, ShapeError, r"'b': expected shape \['n', 3\], got \[3\]"),
        ([X, X], TypeError, "dictionary"),
    ]:
        with pytest.raises(error, match=said):
            session.run(None, feeds)
        with pytest.raises(ValueError, match="no output 'q'"):
            session.run(["q"], feeds)


def test_after_a_run_other_feeds_that_fit_are_taken():
    session = repeating()
    a, b = numbers(5, (4, 3), (4, 3))
    for one, other in ((a, b), (a.tolist(), b), (np.ma.array(a), b), (a[::-1], b), (a[:2], b[:2])):
        y, _ = session.run(None, {"a": one, "b": other})
        assert_array_equal(y, np.maximum(other, 0) - np.asarray(one, np.float32))


def test_halves_do_not_pass_for_what_they_are_computed_in():
    half = X.astype(np.float16)
    session = InferenceSession(node_model("Relu", {"x": half}))
    for _ in range(2):
        assert session.run(None, {"x": half})[0].dtype == np.float16
        with pytest.raises(TypeError, match="expected float16, got float32"):
            session.run(None, {"x": X})


def test_a_node_that_cannot_be_computed_is_named():
    nodes = [NODE("Gather", ["x", "i"], ["y"], name="picker", axis=0)]
    session = InferenceSession(model_of(nodes, {"x": X.astype(np.float64), "i": np.arange(70)}, ["y"]))
    with pytest.raises(EvaluationError, match=r"Gather node 'picker'.*float64\[2, 3\].*'i': int64\[70\].*bounds"):
        session.run(None, {"x": X.astype(np.float64), "i": np.arange(70)})


def test_what_nobody_can_run_is_listed_at_once():
    nodes = [NODE("Relu", ["x"], ["a"], name="one"), NODE("Relu", ["x"], ["b"], name="two")]
    model = model_of(nodes, {"x": X}, ["a", "b"])
    model.graph.node[0].op_type, model.graph.node[1].op_type = "Loop", "Scan"
    with pytest.raises(UnsupportedModelError, match=r"(?s)one.*two"):
        InferenceSession(model)


def test_reading_says_where_a_session_would_do():
    with pytest.raises(UnsupportedModelError, match="InferenceSession can run it"):
        read(mixed())


def test_results_belong_to_the_caller():
    nodes = [NODE("Identity", ["x"], ["a"]), NODE("Identity", ["d"], ["b"]), NODE("Identity", ["w"], ["c"])]
    d, w = X.astype(np.float64), np.arange(3)
    session = InferenceSession(model_of(nodes, {"x": X, "d": d}, ["a", "b", "c", "x", "w"], {"w": w}))
    for result in session.run(None, {"x": X, "d": d}):
        result[...] = 77
    a, b, c, x, again = session.run(None, {"x": X, "d": d})
    for result, want in ((a, X), (b, d), (c, w), (x, X), (again, w)):
        assert_array_equal(result, want)


def test_several_threads_at_once():
    session, wrong = InferenceSession(mixed(), threads=1), []

    def work(seed):
        for i in range(20):
            (x,) = numbers(seed, (1 + (seed + i) % 3, 3))
            y, j = session.run(None, {"x": x})
            if not np.allclose(y, np.exp(x) / (1 + np.exp(-j)), rtol=1e-4):
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_the_threads_of_a_session_are_its_own(monkeypatch):
    seen = []
    monkeypatch.setattr(plan.Plan, "run", lambda *_: seen.append(get_num_threads()) or [X, X])
    before = get_num_threads()
    InferenceSession(mixed(), threads=before + 3).run(None, {"x": X})
    InferenceSession(mixed()).run(None, {"x": X})
    assert seen == [before + 3, before]
    assert get_num_threads() == before


def test_the_threads_of_a_session_are_its_own_when_runs_repeat(monkeypatch):
    session, seen = repeating(), []
    monkeypatch.setattr(Table, "run", lambda self, threads=None: seen.append(threads))
    for session.threads in (None, get_num_threads() + 3):
        session.run(None, {"a": X, "b": X})
    assert seen == [None, get_num_threads() + 3]


def test_evaluated_steps_name_no_attribute_they_do_not_know():
    model = node_model("Add", {"a": np.arange(3), "b": np.arange(3)}, strange=2)
    with pytest.raises(UnsupportedModelError, match="strange"):
        InferenceSession(model).run(None, {"a": np.arange(3), "b": np.arange(3)})
    assert Evaluated.run.__doc__


def test_a_profile_lists_every_node():
    nodes = [
        NODE("Conv", ["x", "w"], ["c"], name="first", pads=[1, 1, 1, 1]),
        NODE("Relu", ["c"], ["r"], name="fused"),
        NODE("Cast", ["r"], ["d"], name="wide", to=TensorProto.DOUBLE),
        NODE("Add", ["d", "d"], ["y"], name="sum"),
    ]
    x, w = numbers(3, (1, 3, 16, 16), (8, 3, 3, 3))
    session = InferenceSession(model_of(nodes, {"x": x}, ["y"], {"w": w}))
    rows = session.profile({"x": x}, repeats=3)
    by_name = {row.node: row for row in rows}
    assert {"first", "wide", "sum"} <= set(by_name)
    assert by_name["first"].op == "conv2d"
    flops = 2 * 8 * 16 * 16 * 27
    assert flops - 1 <= round(by_name["first"].gflops * by_name["first"].seconds * 1e9) <= 1.2 * flops
    assert by_name["sum"].gflops is None
    assert by_name["sum"].bytes == 3 * 8 * 8 * 16 * 16
    assert abs(sum(row.share for row in rows) - 1) < 1e-9
    assert all(row.seconds > 0 for row in rows)
    lines = str(rows).splitlines()
    assert lines[0].split() == ["node", "op", "ms", "GFLOP/s", "KiB", "%"]
    assert lines[-1].startswith("total")
    with pytest.raises(ValueError, match="repeats"):
        session.profile({"x": x}, repeats=0)


def test_memory_grows_with_what_is_held():
    (w,) = numbers(1, (300, 200))
    nodes = [NODE("MatMul", ["x", "w"], ["a"]), NODE("Relu", ["a"], ["y"])]
    session = InferenceSession(
        model_of(nodes, {"x": np.zeros((1, 300), np.float32)}, ["y"], {"w": w}, shapes={"x": ("n", 300)})
    )
    assert session.memory()[1:] == (0, 0, w.nbytes, 0)
    session.run(None, {"x": np.zeros((1, 300), np.float32)})
    first = session.memory()
    assert first.programs == 1
    assert first.weights_bytes == w.nbytes  # the array of the file is a view of what the program reads
    session.run(None, {"x": np.zeros((9, 300), np.float32)})
    second = session.memory()
    assert second.programs == 2
    assert second.weights_bytes == first.weights_bytes  # programs share their weights
    assert second.arena_bytes > first.arena_bytes > 0
    assert str(second).splitlines()[0].split() == ["memory", "KiB"]


def test_evaluators_say_what_does_not_fit_and_what_they_do_not_know(monkeypatch):
    session = InferenceSession(node_model("Add", {"a": np.arange(3), "b": np.arange(3)}))

    def run(error):
        def fold(_):
            raise error

        monkeypatch.setattr(steps._fold, "fold", fold)
        session.run(None, {"a": np.arange(3), "b": np.arange(3)})

    with pytest.raises(EvaluationError, match=r"'the_node' cannot be computed on 'a': int64\[3\].*: too odd"):
        run(Unfit("too odd"))
    with pytest.raises(EvaluationError, match=r"'the_node'.*MemoryError"):
        run(MemoryError())
    with pytest.raises(UnsupportedModelError, match="'the_node': not known"):
        run(Refused("not known"))


@pytest.mark.parametrize("name", ["InferenceSession", "load"])
def test_without_onnx_the_error_says_what_to_install(name):
    code = f"import sys; sys.modules['onnx'] = None\nimport edgenet\nedgenet.{name}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert f'ImportError: edgenet.{name} needs the package onnx: pip install "edgenet[onnx]"' in done.stderr


@pytest.mark.parametrize("op", ["LSTM", "GRU", "RNN"])
@pytest.mark.parametrize("direction", ["forward", "bidirectional"])
def test_lengths_that_come_with_the_sequences(op, direction):
    count, gates = 1 + (direction == "bidirectional"), {"LSTM": 4, "GRU": 3, "RNN": 1}[op]
    x, w, r = numbers(0, (6, 3, 4), (count, gates * 5, 4), (count, gates * 5, 5))
    nodes = [
        NODE("Cast", ["lengths"], ["n"], to=TensorProto.INT32),
        NODE(op, ["x", "w", "r", "", "n"], ["y", "h"], hidden_size=5, direction=direction),
    ]
    feeds = {"x": x, "lengths": np.array([6, 2, 4])}
    session = InferenceSession(model := model_of(nodes, feeds, ["y", "h"], {"w": w, "r": r}))
    for lengths in ([6, 2, 4], [1, 6, 3], [6, 6, 6], *([i % 6 + 1, 2, 3] for i in range(12))):
        feeds["lengths"] = np.array(lengths)
        for got, want in zip(session.run(None, feeds), theirs(model, list(feeds.values())), strict=True):
            assert_allclose(got, want, rtol=1e-4, atol=1e-5)
