"""Loop: written out where its iterations can be counted, run one after the other where they cannot."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from onnx import TensorProto, helper
from onnx_models import model_of, numbers, theirs

import edgenet
from edgenet import InferenceSession
from edgenet.converters.onnx import EvaluationError, UnsupportedModelError, loops, read

NODE = helper.make_node
INFO = helper.make_tensor_value_info
TRUE, FOUR = np.array(True), np.array(4)


def kinds(session):
    return [type(step).__name__ for step in session._plan.steps()]


def body_of(nodes, outputs, states=("s",), kind=TensorProto.FLOAT):
    """A body that gets the iteration "i", the condition "c", and states; its first output is the condition."""
    given = [INFO("i", TensorProto.INT64, []), INFO("c", TensorProto.BOOL, []), *(INFO(s, kind, None) for s in states)]
    made = [INFO(outputs[0], TensorProto.BOOL, []), *(INFO(o, kind, None) for o in outputs[1:])]
    return helper.make_graph(nodes, "body", given, made)


def recurrent(batch=2, steps=4):
    """h ← tanh(x[i]·w + h·r) over the steps of x (n, steps, 3), as tf2onnx writes layers of Keras."""
    x, w, r = numbers(0, (batch, steps, 3), (3, 5), (5, 5))
    nodes = [
        NODE("Gather", ["t", "s"], ["row"]),
        NODE("MatMul", ["row", "w"], ["a"]),
        NODE("MatMul", ["h", "r"], ["b"]),
        NODE("Add", ["a", "b"], ["sum"]),
        NODE("Tanh", ["sum"], ["new"]),
        NODE("Identity", ["new"], ["kept"]),
        NODE("Add", ["s", "one"], ["next"]),
        NODE("Less", ["next", "limit"], ["go"]),
    ]
    given = [INFO("i", 7, []), INFO("c", 9, []), INFO("s", 7, []), INFO("h", 1, [None, 5])]
    made = [INFO("go", 9, []), INFO("next", 7, []), INFO("new", 1, [None, 5]), INFO("kept", 1, [None, 5])]
    body = helper.make_graph(nodes, "body", given, made)
    outer = [
        NODE("Transpose", ["x"], ["t"], perm=[1, 0, 2]),
        NODE("Shape", ["x"], ["shape"]),
        NODE("Gather", ["shape", "zero"], ["n"]),
        NODE("Unsqueeze", ["n", "axis"], ["n1"]),
        NODE("Concat", ["n1", "five"], ["hs"], axis=0),
        NODE("Expand", ["nought", "hs"], ["h0"]),
        NODE("Loop", ["limit", "true", "zero", "h0"], ["", "last", "all"], body=body, name="steps"),
        NODE("Transpose", ["all"], ["y"], perm=[1, 0, 2]),
    ]
    stored = {
        "w": w, "r": r, "zero": np.array(0), "one": np.array(1), "limit": np.array(steps), "axis": np.array([0]),
        "five": np.array([5]), "nought": np.float32(0), "true": TRUE,
    }  # fmt: skip
    return x, model_of(outer, {"x": x}, ["y", "last"], stored, shapes={"x": ("n", steps, 3)})


def unrolled(x, model):
    stored = {t.name: t for t in model.graph.initializer}
    w, r = (np.frombuffer(stored[n].raw_data, np.float32).reshape(stored[n].dims) for n in "wr")
    h, rows = np.zeros((len(x), 5)), []
    for t in range(x.shape[1]):
        h = np.tanh(x[:, t] @ w.astype(float) + h @ r)
        rows.append(h)
    return np.stack(rows, 1), h


def test_a_loop_over_steps_is_one_program():
    x, model = recurrent()
    session = InferenceSession(model)
    for arrays in (x, np.concatenate([x, -x, x])):
        for got, want in zip(session.run(None, {"x": arrays}), unrolled(arrays, model), strict=True):
            assert_allclose(got, want, rtol=1e-5, atol=1e-6)
    assert set(kinds(session)) == {"Compiled"}


def test_a_loop_over_steps_is_trained():
    x, file = recurrent()
    model = edgenet.load(file)
    assert_allclose(model.predict(x, verbose=0)[0], unrolled(x, file)[0], rtol=1e-5, atol=1e-6)
    head = edgenet.Model(model.inputs, edgenet.layers.Dense(1, kernel_initializer="ones")(model.outputs[1]))
    head.compile(optimizer=edgenet.optimizers.Adam(0.02), loss="mse")
    history = head.fit(x, np.ones((2, 1), np.float32), epochs=60, verbose=0, batch_size=2).history["loss"]
    assert history[-1] < 0.2 * history[0]


def test_a_loop_that_data_end():
    body = body_of(
        [NODE("Add", ["s", "s"], ["two"]), NODE("ReduceMax", ["two"], ["m"], keepdims=0),
         NODE("Less", ["m", "top"], ["go"])], ["go", "two", "m"],
    )  # fmt: skip
    nodes = [
        NODE("Abs", ["x"], ["a"]),
        NODE("Loop", ["", "true", "a"], ["b", "tops"], body=body),
        NODE("Neg", ["b"], ["y"]),
    ]
    x = np.array([[1, -3], [0.5, 2]], np.float32)
    model = model_of(nodes, {"x": x}, ["y", "tops"], {"true": TRUE, "top": np.float32(50)}, shapes={"x": ("n", 2)})
    session = InferenceSession(model)
    for arrays in (x, x * 5, x[:1] / 8):
        for got, want in zip(session.run(None, {"x": arrays}), theirs(model, [arrays]), strict=True):
            assert_array_equal(got, want)
    assert "Looped" in kinds(session)
    assert {row.op for row in session.profile({"x": x}, 1)} >= {"abs", "add"}
    with pytest.raises(UnsupportedModelError, match=r"(?s)Loop.*condition depends.*InferenceSession"):
        read(model)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_number_of_iterations_among_the_feeds(count):
    body = body_of(
        [NODE("Identity", ["c"], ["go"]), NODE("Cast", ["i"], ["f"], to=1), NODE("Add", ["s", "f"], ["new"]),
         NODE("Mul", ["new", "x"], ["row"])], ["go", "new", "row"],
    )  # fmt: skip
    (x,) = numbers(0, (2, 3))
    model = model_of([NODE("Loop", ["n", "", "x"], ["y", "rows"], body=body)], {"x": x, "n": FOUR}, ["y", "rows"])
    y, rows = InferenceSession(model).run(None, {"x": x, "n": np.array(count)})
    assert_allclose(y, x + sum(range(count)), rtol=1e-6)
    assert len(rows) == count
    for i, row in enumerate(rows):
        assert_allclose(row, (x + sum(range(i + 1))) * x, rtol=1e-6)


def test_names_of_branches_within_a_loop():
    one = {
        name: helper.make_graph([NODE(op, ["s", "x"], [name])], name, [], [INFO(name, 1, None)])
        for name, op in (("then_branch", "Add"), ("else_branch", "Sub"))
    }
    body = body_of(
        [NODE("Identity", ["c"], ["go"]), NODE("Equal", ["i", "two"], ["third"]),
         NODE("If", ["third"], ["new"], **one)], ["go", "new"],
    )  # fmt: skip
    (x,) = numbers(0, (2, 3))
    model = model_of([NODE("Loop", ["n", "t", "x"], ["y"], body=body)], {"x": x}, ["y"],
                     {"n": FOUR, "t": TRUE, "two": np.array(2)})  # fmt: skip
    session = InferenceSession(model)
    assert_allclose(session.run(None, {"x": x})[0], -x, rtol=1e-6)  # x - x - x + x - x
    assert kinds(session) == ["Compiled"]


def test_loops_that_cannot_be(monkeypatch):
    (x,) = numbers(0, (2, 3))
    body = body_of([NODE("Identity", ["c"], ["go"]), NODE("Neg", ["s"], ["new"])], ["go", "new"])
    endless = model_of([NODE("Loop", ["", "t", "x"], ["y"], body=body, name="round")], {"x": x}, ["y"], {"t": TRUE})
    monkeypatch.setattr(loops, "LARGEST", 40)
    monkeypatch.setattr(loops, "LONGEST", 100)
    with pytest.raises(EvaluationError, match=r"'round'.*does not end after 100 iterations"):
        InferenceSession(endless).run(None, {"x": x})
    with pytest.raises(UnsupportedModelError, match="more than 21 iterations, too many to write out"):
        read(endless)
    many = model_of([NODE("Loop", ["n", "t", "x"], ["y"], body=body)], {"x": x}, ["y"], {"t": TRUE, "n": np.array(31)})
    session = InferenceSession(many)
    assert_array_equal(session.run(None, {"x": x})[0], -x)
    assert "Looped" in kinds(session)
    unlike = model_of([NODE("Loop", ["n", "t"], ["y"], body=body)], {"x": x}, ["y"], {"t": TRUE, "n": FOUR})
    with pytest.raises(UnsupportedModelError, match="its body has 3 inputs and 2 outputs, but the loop carries 0"):
        InferenceSession(unlike).run(None, {"x": x})
    bodiless = model_of([NODE("Loop", ["n", "t", "x"], ["y"])], {"x": x}, ["y"], {"t": TRUE, "n": FOUR})
    with pytest.raises(UnsupportedModelError, match="it holds no graph"):
        InferenceSession(bodiless).run(None, {"x": x})
