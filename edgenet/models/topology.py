"""Which layer calls lie between the inputs and the outputs of a model, and in which order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from edgenet.layers.layer import Layer
from edgenet.layers.tensor import Connection, SymbolicTensor


def connections_between(inputs: Sequence[SymbolicTensor], outputs: Sequence[SymbolicTensor]) -> list[Connection]:
    """The calls that compute `outputs` from `inputs`, each behind those it depends on.

    Raises:
        ValueError: if an output depends on an Input that is not among `inputs`.
    """
    order: list[Connection] = []
    state: dict[int, bool] = {}  # of a call: False once entered, True once done
    given = {id(t) for t in inputs}
    for output in outputs:
        stack = [(output, False)]
        while stack:  # a walk in depth without recursion: models may be deeper than Python's stack
            tensor, leaving = stack.pop()
            call = tensor.source
            if leaving and call is not None:
                if not state[id(call)]:
                    state[id(call)] = True
                    order.append(call)
                continue
            if id(tensor) in given or (call is not None and id(call) in state):
                continue
            if call is None:
                raise ValueError(
                    f"the outputs depend on the Input {tensor.name!r} of shape {tensor.shape}, which is not among the "
                    f"inputs of the model: add it to Model(inputs=…)"
                )
            state[id(call)] = False
            stack.append((tensor, True))
            stack += [(t, False) for t in reversed(call.inputs)]
    return order


def walk(calls: Sequence[Connection], known: dict[int, Any], training: bool) -> Iterator[Connection]:
    """Emit one call after the other; `known` holds the value of each tensor, by id, and takes up those of the results.

    Yields:
        each call once it is emitted.
    """
    for call in calls:
        xs = [known[id(t)] for t in call.inputs]
        mode = training if call.training is None else call.training
        ys: Any = call.layer(xs if call.nested else xs[0], training=mode)
        ys = ys if isinstance(ys, list | tuple) else [ys]
        known.update((id(t), y) for t, y in zip(call.outputs, ys, strict=True))
        yield call


def layers_in_order(calls: Sequence[Connection], outputs: Sequence[SymbolicTensor]) -> list[Layer]:
    """The layers of a model in the order of Keras, which is that of its weights: by depth, then as first met.

    The depth of a layer is the number of calls from it to the farthest output; layers farther away come first.
    """
    depth: dict[int, int] = {}
    of_layer: dict[int, int] = {}
    for call in reversed(calls):
        here = max(depth.get(id(call), 0), of_layer.get(id(call.layer), 0))
        depth[id(call)] = of_layer[id(call.layer)] = here
        for tensor in call.inputs:
            if tensor.source is not None:
                depth[id(tensor.source)] = max(depth.get(id(tensor.source), 0), here + 1)
    met = _as_first_met(calls, outputs)
    return sorted(met, key=lambda layer: -of_layer[id(layer)])  # sorted is stable: ties stay as first met


def _as_first_met(calls: Sequence[Connection], outputs: Sequence[SymbolicTensor]) -> list[Layer]:
    """The layers as a walk in depth from the outputs back to the inputs meets them."""
    inside = {id(c) for c in calls}
    seen: set[int] = set()
    found: dict[int, Layer] = {}
    stack = [t for t in reversed(outputs)]
    while stack:
        call = stack.pop().source
        if call is None or id(call) in seen or id(call) not in inside:
            continue
        seen.add(id(call))
        found.setdefault(id(call.layer), call.layer)
        stack += reversed(call.inputs)
    return list(found.values())
