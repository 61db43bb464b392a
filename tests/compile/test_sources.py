"""Large batches are read where the caller has them, with the same results as copies of them."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from edgenet import ops
from edgenet.compile import chain, compile_graph, layout
from edgenet.graph import Graph, gradients
from edgenet.graph.variable import Variable
from edgenet.kernels.parallel import num_threads
from edgenet.ops.conv import conv2d

SHAPE = (8, 9, 10, 3)


def program_of(monkeypatch, l2, padding=1):
    """A training step of two layers, on a machine with an L2 of so many bytes, its weights, and a batch."""
    monkeypatch.setattr(layout, "l2_bytes", lambda: l2)
    monkeypatch.setattr(chain, "l2_bytes", lambda: l2)
    rng, graph = np.random.default_rng(3), Graph("net")
    graph.training = True
    x, variables = graph.input(SHAPE), []
    y = x
    for inputs, outputs in ((3, 8), (8, 16)):
        w = rng.standard_normal((3, 3, inputs, outputs)).astype(np.float32)
        variables.append(Variable(w, f"w{inputs}"))
        y = ops.relu(conv2d(y, graph.variable(variables[-1]), padding=((padding, padding),) * 2))
    loss = ops.mean(y * y)
    graph.outputs = [loss, *gradients(loss, [graph.variable(v) for v in variables])]
    return compile_graph(graph, training=True), variables, rng.standard_normal(SHAPE).astype(np.float32)


def results(program):
    return [view.copy() for view in program.outputs]


KINDS = {
    "read where it is": (True, lambda x: x),
    "read-only": (True, lambda x: np.frombuffer(x.tobytes(), np.float32).reshape(SHAPE)),
    "not aligned": (False, lambda x: np.frombuffer(b"x" + x.tobytes(), np.float32, offset=1).reshape(SHAPE)),
    "other strides": (False, np.asfortranarray),
    "every second": (False, lambda x: np.repeat(x, 2, axis=0)[::2]),
    "other dtype": (False, lambda x: x.astype(np.float64)),
    "other byte order": (False, lambda x: x.astype(x.dtype.newbyteorder())),
    "subclass": (False, np.ma.masked_array),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("threads", [1, 2])
def test_arrays_give_what_their_copies_give(kind, threads, monkeypatch):
    copied, _, x = program_of(monkeypatch, 1 << 60)
    want = copied.run(x)
    program, _, _ = program_of(monkeypatch, 1)
    there, make = KINDS[kind]
    given = make(x)
    before, home = np.array(given), program.inputs[0]
    home[...] = 7
    with num_threads(threads):
        program.execute_on([given])
    for got, expected in zip(results(program), want, strict=True):
        assert_array_equal(got, expected)
    assert_array_equal(given, before)
    assert bool(np.all(home == 7)) == there, "nothing is copied exactly where nothing needs to be"


@pytest.mark.parametrize("end", ["done", "refused", "failed"])
def test_afterwards_the_programs_own_memory_is_read_again(end, monkeypatch):
    program, _, x = program_of(monkeypatch, 1)
    want = program.run(x)
    if end == "done":
        program.execute_on([np.zeros_like(x)])
    elif end == "refused":
        with pytest.raises(ValueError, match="broadcast"):
            program.execute_on([x[:, 1:]])
    else:
        with monkeypatch.context() as patch:
            patch.setattr(program, "_run_table", interrupted)
            with pytest.raises(KeyboardInterrupt):
                program.execute_on([np.zeros_like(x)])
    program.inputs[0][...] = x
    program.execute()
    for got, expected in zip(results(program), want, strict=True):
        assert_array_equal(got, expected)


def interrupted(*_):
    raise KeyboardInterrupt


def test_a_variable_that_has_moved_is_found(monkeypatch):
    program, variables, x = program_of(monkeypatch, 1)
    program.execute_on([x])
    fresh, _, _ = program_of(monkeypatch, 1 << 60)
    fresh.graph.variables[0].assign(fresh.graph.variables[0].array * 2)
    want = fresh.run(x)
    variables[0].move(np.empty_like(variables[0].array))
    variables[0].assign(variables[0].array * 2)
    program.execute_on([x])
    for got, expected in zip(results(program), want, strict=True):
        assert_array_equal(got, expected)


def test_steps_that_may_read_behind_an_image_get_a_copy(monkeypatch):
    """Without padding the images are multiplied where they lie, and tiles read whole vectors."""
    program, _, x = program_of(monkeypatch, 1, padding=0)
    program.inputs[0][...] = 7
    program.execute_on([x])
    assert_array_equal(program.inputs[0], x)
