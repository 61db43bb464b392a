"""Layers and small networks against Keras 3: outputs, gradients, and all weights after three steps of training."""

import json
from pathlib import Path

import numpy as np
import pytest
from layers import every
from numpy.testing import assert_allclose
from parity import configurations as c

import edgenet
from edgenet import ops
from edgenet.compile import compile_graph
from edgenet.graph import Graph, gradients

#: what is asked for; numbers are of order one, larger ones count relative to the largest of their array
CLOSE = 1e-5


@pytest.fixture(scope="module")
def references():
    """For each case the arrays that `generate` stored."""
    with np.load(Path(__file__).with_name("references.npz")) as stored:
        shapes, numbers = json.loads(str(stored["index"]))["shapes"], stored["numbers"]
    found, at = {}, 0
    for name, parts in shapes.items():
        found[name] = []
        for shape in parts:
            size = int(np.prod(shape))
            found[name].append(numbers[at : at + size].reshape(shape))
            at += size
    assert at == len(numbers)
    assert set(found) == {case.name for case in c.CASES}, "run generate.py again"
    return found


def slopes(model, xs, dy):
    """Gradients of sum(dy · model(x)) in training, by the inputs of real numbers and the trainable weights."""
    graph = Graph("slopes")
    graph.training = True
    *values, weight = [graph.input(a.shape, str(a.dtype)) for a in (*xs, dy)]
    (y,) = model.emit(graph, values, training=True)
    wrt = [*(v for v in values if v.dtype == "float32"), *(graph.variable(w) for w in model.trainable_weights)]
    graph.outputs = gradients(ops.sum(y * weight), wrt)
    return compile_graph(graph, training=True).run(*xs, dy)


@pytest.mark.parametrize("case", c.CASES, ids=lambda case: case.name)
def test_keras_agrees(case, references):
    y, *others = references[case.name]
    model = c.build(edgenet, case)
    xs = c.numbers(case, model)
    dy, kept = c.cotangent(case, y.shape), [w.numpy().copy() for w in c.weights(model)]
    found = [model.predict_on_batch(xs if len(xs) > 1 else xs[0]), *slopes(model, xs, dy)]
    for w, start in zip(c.weights(model), kept, strict=True):
        w.assign(start)  # the training pass has moved statistics
    steps = c.STEPS if model.trainable_weights else 0
    model.compile(optimizer=c.optimizer(edgenet, case), loss="mse")
    losses = np.array([model.train_on_batch(xs if len(xs) > 1 else xs[0], dy) for _ in range(steps)])
    trained = [losses, *(w.numpy() for w in c.weights(model))]
    named = ["output", *(f"gradient {i}" for i in range(len(found) - 1)), "losses", *(w.name for w in c.weights(model))]
    for name, got, want in zip(named, [*found, *trained], [y, *others], strict=True):
        assert got.shape == want.shape, name
        size = max(1.0, abs(want).max(initial=0))
        assert_allclose(got / size, want / size, 0, CLOSE, err_msg=name)


def test_every_layer_of_keras_is_among_them():
    used = {kind for case in c.CASES for _, kind, _, _ in case.calls if isinstance(kind, str)}
    ours = {
        "GraphLayer",
        "Lambda",
        "Operation",
        "DistanceWeightedAveragePooling2D",
        "L2Pooling2D",
        "Maxout",
        "RadialBasis",
    }
    assert {x.__name__ for x in every.public() - every.DRAWN} - used == ours
