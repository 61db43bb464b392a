"""Run one layer on arrays, forward and backward, the way a model would."""

import numpy as np

from edgenet import ops
from edgenet.compile import compile_graph
from edgenet.graph import Graph, Variable, gradients


def _graph(training, step):
    graph = Graph("test")
    graph.training = training
    graph.step = Variable(np.array([step], np.int64), "step", trainable=False)
    return graph


def _run(graph, outputs, arrays):
    graph.outputs = outputs
    return compile_graph(graph, training=graph.training).run(*arrays)


def apply(layer, *arrays, training=False, step=0):
    """The layer's result; more than one array goes to it as a list."""
    graph = _graph(training, step)
    values = [graph.input(a.shape, str(a.dtype)) for a in arrays]
    y = layer(values if len(values) > 1 else values[0], training=training)
    return _run(graph, [y], arrays)[0]


def pull(layer, *arrays, dy, step=0):
    """Gradients of sum(dy · layer(x)) in training: those of the arrays, then those of the trainable weights."""
    graph = _graph(True, step)
    *values, weights = [graph.input(a.shape, str(a.dtype)) for a in (*arrays, dy)]
    y = layer(values if len(values) > 1 else values[0], training=True)
    wrt = [*values, *(graph.variable(w) for w in layer.trainable_weights)]
    found = gradients(ops.sum(y * weights), wrt)
    return _run(graph, found, (*arrays, dy))


def randomise(layer, seed):
    """Give every weight of a built layer random numbers, positive ones to variances; returns them."""
    rng = np.random.default_rng(seed)
    for w in layer.weights:
        low = 0.5 if "variance" in w.name else -1.0
        w.assign(rng.uniform(low, 1.5, w.shape).astype(np.float32))
    return layer.get_weights()


def normal(seed, *shape):
    """Seeded float32 numbers."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
