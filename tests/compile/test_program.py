"""Programs: planned memory, constants that are computed once, inputs that are checked."""

import os
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from edgenet.compile import compile_graph
from edgenet.compile.places import operands
from edgenet.graph import Graph, ShapeError, Variable, emit, gradients
from edgenet.graph.variable import flatten, touch
from edgenet.ops import conv2d, dense


def small_net(training=False, batch=3):
    """Two convolutions, a residual, a dense layer; in training with its gradients.  Returns graph and weights."""
    rng = np.random.default_rng(0)

    def weight(*shape):
        return Variable(rng.standard_normal(shape).astype(np.float32), "w")

    weights = [weight(3, 3, 2, 8), weight(8), weight(3, 3, 8, 8), weight(128, 5)]
    graph = Graph("net")
    graph.training = training
    x = graph.input((batch, 4, 4, 2), name="x")
    w = [graph.variable(v) for v in weights]
    a = emit("relu", [conv2d(x, w[0], w[1], padding=((1, 1), (1, 1)))])
    b = conv2d(a, w[2], padding=((1, 1), (1, 1))) + a
    y = dense(emit("reshape", [b], shape=(batch, 128)), w[3])
    graph.outputs = [y]
    if training:
        loss = emit("mean", [y * y], axes=(0, 1), keepdims=False)
        grads = gradients(loss, w)
        graph.outputs = [loss, emit("flat", grads), *grads]
    return graph, weights


@pytest.mark.parametrize("training", [False, True])
def test_buffers_that_live_together_lie_apart(training):
    program = compile_graph(small_net(training)[0], training=training)
    buffers = list(program.addresses.buffers.values())
    for i, a in enumerate(buffers):
        for b in buffers[:i]:
            if a.meets(b):
                apart = (
                    a.offset_bytes + a.size_bytes <= b.offset_bytes or b.offset_bytes + b.size_bytes <= a.offset_bytes
                )
                assert apart, (a, b)
    total = sum(b.size_bytes for b in buffers)
    assert program.arena_bytes < total


@pytest.mark.parametrize("training", [False, True])
def test_every_buffer_is_written_before_it_is_read(training):
    graph, _ = small_net(training)
    program = compile_graph(graph, training=training)
    places = program._places
    written = {id(places.root(v)[0]) for v in graph.inputs}
    for step in program.steps:
        for operand, _ in operands(step.call, written=False):
            root = places.root(operand)[0]
            if id(root) in program.addresses.buffers:
                assert id(root) in written, step
        written |= {id(places.root(o)[0]) for o, _ in operands(step.call, written=True)}


def test_weights_are_packed_once_and_again_after_a_change():
    graph, weights = small_net()
    program = compile_graph(graph)
    assert not any(s.call.kernel.name == "gemm.pack" for s in program.steps)
    x = np.random.default_rng(1).standard_normal((3, 4, 4, 2)).astype(np.float32)
    (before,) = program.run(x)
    weights[3].assign(weights[3].array * 2)
    (after,) = program.run(x)
    assert_allclose(after, 2 * before, rtol=1e-6)


def test_variables_may_move():
    graph, weights = small_net()
    program = compile_graph(graph)
    x = np.random.default_rng(1).standard_normal((3, 4, 4, 2)).astype(np.float32)
    (before,) = program.run(x)
    flat = flatten(weights, "flat")
    assert_array_equal(program.run(x)[0], before)
    flat.array *= 0
    touch()
    assert_array_equal(program.run(x)[0], 0)


def test_gradients_lie_in_the_flat_result_without_a_copy():
    graph, _ = small_net(training=True)
    program = compile_graph(graph, training=True)
    x = np.random.default_rng(1).standard_normal((3, 4, 4, 2)).astype(np.float32)
    _, flat, *grads = program.run(x)
    assert_array_equal(flat, np.concatenate([g.ravel() for g in grads]))
    graph.outputs = graph.outputs[:2]
    again = compile_graph(graph, training=True)
    assert not any(s.node.op == "flat" for s in again.steps)
    assert_array_equal(again.run(x)[1], flat)


def test_runs_do_not_disturb_each_other():
    program = compile_graph(small_net()[0])
    rng = np.random.default_rng(2)
    xs = [rng.standard_normal((3, 4, 4, 2)).astype(np.float32) for _ in range(3)]
    first = [program.run(x)[0] for x in xs]
    for _ in range(3):
        for x, y in zip(xs, first, strict=True):
            assert_array_equal(program.run(x)[0], y)


def test_wrong_inputs_are_named():
    program = compile_graph(small_net()[0])
    x = np.zeros((3, 4, 4, 2), np.float32)
    with pytest.raises(ShapeError, match=r"input 'x': expected shape \(3, 4, 4, 2\), got \(2, 4, 4, 2\)"):
        program.run(x[:2])
    with pytest.raises(ShapeError, match="expected 1 inputs, got 2"):
        program.run(x, x)
    with pytest.raises(TypeError):
        program.run(x.astype(complex))


def test_other_dtypes_are_converted():
    program = compile_graph(small_net()[0])
    x = np.arange(96).reshape(3, 4, 4, 2)
    want = program.run(x.astype(np.float32))[0]
    for dtype in (np.uint8, np.int64, np.float64):
        assert_array_equal(program.run(x.astype(dtype))[0], want)


def test_a_graph_with_an_unknown_size_is_refused():
    graph = Graph("g")
    graph.outputs = [emit("relu", [graph.input(("batch", 4))])]
    with pytest.raises(ShapeError, match="bind"):
        compile_graph(graph)


def test_inputs_constants_and_variables_can_be_outputs():
    graph = Graph("g")
    x = graph.input((2, 3))
    variable = Variable(np.full((2,), 5, np.float32), "v")
    graph.outputs = [
        x,
        graph.constant(np.float32([1, 2])),
        graph.variable(variable),
        emit("reshape", [x], shape=(3, 2)),
    ]
    a = np.arange(6, dtype=np.float32).reshape(2, 3)
    got = compile_graph(graph).run(a)
    assert_array_equal(got[0], a)
    assert_array_equal(got[1], [1, 2])
    assert_array_equal(got[2], [5, 5])
    assert_array_equal(got[3], a.reshape(3, 2))


def test_profile_lists_every_step():
    program = compile_graph(small_net()[0])
    rows = program.profile(repeats=2)
    assert [s.node.op for s, _ in rows] == [s.node.op for s in program.steps]
    assert all(seconds > 0 for _, seconds in rows)


def test_views_keep_the_memory_of_their_program():
    import gc

    views = []
    for _ in range(5):
        program = compile_graph(small_net()[0])
        program.inputs[0][...] = 1
        views.append(program.outputs[0])
        program.execute()
        want = views[-1].copy()
        del program
        gc.collect()
        junk = [np.full(200_000, np.nan, np.float32) for _ in range(5)]
        assert_array_equal(views[-1], want)
        del junk


def test_a_change_between_packing_and_stamping_is_not_lost(monkeypatch):
    graph, weights = small_net()
    program = compile_graph(graph)
    x = np.random.default_rng(1).standard_normal((3, 4, 4, 2)).astype(np.float32)
    (before,) = program.run(x)
    pack = program._once.run

    def pack_and_be_late():
        pack()
        monkeypatch.undo()
        weights[3].assign(weights[3].array * 2)  # as another thread might

    touch()
    monkeypatch.setattr(program._once, "run", pack_and_be_late)
    program.run(x)
    assert_allclose(program.run(x)[0], 2 * before, rtol=1e-6)


def test_a_program_that_writes_a_variable_sees_what_it_wrote():
    graph = Graph("doubling")
    variable = Variable(np.ones(3, np.float32), "w")
    x, w = graph.input((2, 3)), graph.variable(variable)
    graph.outputs = [x + w * np.float32(1)]
    emit("assign", [w, w * np.float32(2)], keep=0.0)
    program = compile_graph(graph)
    got = [program.run(np.zeros((2, 3)))[0][0, 0] for _ in range(4)]
    assert got == [1, 2, 4, 8]


FORKED = """
import os, sys, threading, time
sys.path[:0] = {paths!r}
import numpy as np
from test_program import small_net
from edgenet.compile import compile_graph
program = compile_graph(small_net()[0])
x = np.zeros((3, 4, 4, 2), np.float32)
program.run(x)
threading.Thread(target=lambda: program._lock.__enter__() or time.sleep(60), daemon=True).start()
time.sleep(0.2)
pid = os.fork()
if pid == 0:
    program.run(x)
    os._exit(0)
os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_child_of_a_fork_can_run_a_program_that_was_running():
    here = os.path.dirname(os.path.abspath(__file__))
    code = FORKED.format(paths=[os.path.dirname(os.path.dirname(here)), here])
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_weights_that_several_products_read_are_packed_once():
    def bytes_and_result(steps):
        rng = np.random.default_rng(3)
        graph = Graph("unrolled")
        x = graph.input((2, 33))
        w = graph.variable(Variable(rng.standard_normal((33, 33)).astype(np.float32) / 6, "w"))
        y = x
        for _ in range(steps):
            y = dense(y, w)
        graph.outputs = [y]
        program = compile_graph(graph)
        value = rng.standard_normal((2, 33)).astype(np.float32)
        power = np.linalg.matrix_power(w.variable.array.astype(np.float64), steps)
        assert_allclose(program.run(value)[0], value @ power, rtol=1e-4, atol=1e-5)
        w.variable.assign(w.variable.array * 0.5)
        assert_allclose(program.run(value)[0], value @ power * 0.5**steps, rtol=1e-4, atol=1e-5)
        return program.constant_bytes

    assert bytes_and_result(1) == bytes_and_result(5) > 0
