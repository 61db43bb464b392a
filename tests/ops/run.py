"""Run one op through the compiler, as a one-node graph."""

import numpy as np
import pytest

from edgenet.compile import compile_graph
from edgenet.graph import Graph


def run(function, *arrays, fixed=(), threads=None, training=False, **attrs):
    """Results of ``function(*values, **attrs)`` on arrays; arrays whose number is in `fixed` become constants.

    With a number of `threads`, all of them share even the smallest step.
    """
    from edgenet.kernels import parallel
    from edgenet.kernels.parallel import get_num_threads, num_threads

    graph = Graph("test")
    values = []
    for i, a in enumerate(arrays):
        if a is None:
            values.append(None)
        elif i in fixed:
            values.append(graph.constant(a))
        else:
            values.append(graph.input(a.shape, str(a.dtype), f"x{i}"))
    result = function(*values, **attrs)
    graph.outputs = list(result) if isinstance(result, tuple | list) else [result]
    with pytest.MonkeyPatch.context() as patch:
        if threads is not None:
            patch.setattr(parallel, "SERIAL_BELOW", 0)
        program = compile_graph(graph, passes=False, training=training)
    with num_threads(threads or get_num_threads()), np.errstate(all="ignore"):
        out = program.run(*(a for i, a in enumerate(arrays) if a is not None and i not in fixed))
    return out if isinstance(result, tuple | list) else out[0]
