"""Steps of an optimizer on given gradients, as a model takes them."""

import numpy as np

import edgenet.ops as ops
from edgenet.compile import compile_graph
from edgenet.graph import Graph, Variable
from edgenet.graph.variable import flatten


class Run:
    """Variables of given first values and an optimizer that changes them."""

    def __init__(self, optimizer, **start):
        self.optimizer = optimizer
        self.variables = [Variable(np.array(a, np.float32), f"layer/{n}") for n, a in start.items()]
        theta = flatten(self.variables, "theta")
        optimizer.build(self.variables)
        self.programs = {}
        for kind in ("apply", "accumulate") if optimizer.gradient_accumulation_steps else ("apply",):
            graph = Graph()
            getattr(optimizer, kind)(graph, graph.variable(theta), graph.input(theta.shape))
            ops.increment(graph.variable(optimizer.iterations))
            self.programs[kind] = compile_graph(graph, training=True)

    def step(self, *gradients):
        kind = "apply" if self.optimizer.prepare() else "accumulate"
        self.programs[kind].run(np.concatenate([np.ravel(g) for g in gradients]).astype(np.float32))
        return self.flat()

    def flat(self):
        return np.concatenate([v.numpy().ravel() for v in self.variables])
