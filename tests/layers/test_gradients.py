"""Gradients of every layer, with every padding, stride, dilation and number of groups, by central differences.

The judge is the layer's own graph in float64, each op by its oracle: compiled results and gradients are held against
it.  Layers that draw random numbers are affine maps of x for fixed draws, so that differences of their compiled
results are exact for steps of any size.
"""

import inspect

import numpy as np
import pytest
from layers import every
from layers.run import apply, normal, pull, randomise
from numpy.testing import assert_allclose

from edgenet import ops
from edgenet.compile import compile_graph
from edgenet.graph import Graph, gradients
from oracle.difference import central_difference
from oracle.graph import evaluate
from tolerance import tolerance

BATCH = 2
KINDS = sorted(every.public(), key=lambda c: c.__name__)


def test_every_layer_has_an_example():
    assert set(every.EXAMPLES) == every.public()


@pytest.mark.parametrize("kind", [c for c in KINDS if c not in every.DRAWN], ids=lambda c: c.__name__)
def test_gradients(kind):
    for i, (arguments, example) in enumerate(every.cases(kind)):
        layer, arrays = kind(**arguments), made(example, i)
        for training in (False, True) if layer._takes_training else (False,):
            check(layer, arrays, training, i, f"{kind.__name__}({arguments}), training={training}")


def made(example, seed):
    """The arrays that an example is called on."""
    rng = np.random.default_rng([seed, 3])
    if example.words:
        return [rng.integers(0, example.words, (BATCH, *s)).astype(np.int32) for s in example.shapes]
    return [normal(31 * seed + i, BATCH, *s) for i, s in enumerate(example.shapes)]


def check(layer, arrays, training, seed, what):
    """Result and gradients of sum(dy · layer(x)) by all that is float32."""
    graph = Graph("check")
    graph.training = training
    values = [graph.input(a.shape, str(a.dtype)) for a in arrays]
    y = layer(values if len(values) > 1 else values[0], training=training)
    randomise(layer, seed)
    forward, inner = list(graph.nodes), graph.input(y.shape)
    weights = [graph.variable(w) for w in layer.weights]
    wrt = [v for v in (*values, *weights) if v.dtype == "float32" and (v.variable is None or v.variable.trainable)]
    known = {v: wide(a) for v, a in zip(values, arrays, strict=True)} | {v: wide(v.data) for v in weights}
    (want,) = evaluate(forward, known, [y])
    dy = normal(seed + 1, *y.shape)
    judges = [
        central_difference(lambda a, v=v: evaluate(forward, known | {v: a}, [y])[0], known[v], wide(dy)) for v in wrt
    ]
    graph.outputs = [y, *gradients(ops.sum(y * inner), wrt)]
    got, *slopes = compile_graph(graph, training=training).run(*arrays, dy)
    close = tolerance(np.float32, 64)
    assert_allclose(got, want, *close, err_msg=what)
    for v, slope, judge in zip(wrt, slopes, judges, strict=True):
        assert_allclose(slope, judge, *close, err_msg=f"{what}: {v.name}")


def wide(array):
    """In float64, where it is not of integers."""
    return array.astype(np.float64) if array.dtype.kind == "f" else array


@pytest.mark.parametrize("kind", [c for c in KINDS if c in every.DRAWN], ids=lambda c: c.__name__)
def test_gradients_of_layers_that_draw(kind):
    for i, (arguments, example) in enumerate(every.cases(kind)):
        (x,) = made(example, i)
        layer = kind(**arguments, seed=5)
        for step in (1, 2):
            dy = normal(i + 1, *x.shape)
            run = lambda v, step=step, layer=layer: apply(layer, v.astype(np.float32), training=True, step=step)  # noqa: E731
            judge = central_difference(run, x, dy, h=1.0)
            (found,) = pull(layer, x, dy=dy, step=step)
            assert_allclose(found, judge, *tolerance(np.float32, 64), err_msg=f"{kind.__name__}({arguments})")


@pytest.mark.parametrize("kind", KINDS, ids=lambda c: c.__name__)
def test_channels_first_is_refused(kind):
    if "data_format" in inspect.signature(kind).parameters:
        arguments, _ = next(every.cases(kind))
        with pytest.raises(ValueError, match=rf"{kind.__name__}: .*channels_last"):
            kind(**arguments, data_format="channels_first")
