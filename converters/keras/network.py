"""What a config of Keras says, whichever Keras wrote it: layers, their calls, inputs and outputs.

Three generations write the calls of a functional model differently:

    Keras 1    [["conv", 0, 0]]                       layer, which of its calls, which of its outputs
    Keras 2    [["conv", 0, 0, {"training": false}]]  and the other arguments of the call
    Keras 3    {"args": [{"class_name": "__keras_tensor__", "config": {"keras_history": ["conv", 0, 0]}}], "kwargs": {}}

Operators on tensors (``x * 2``, ``a + b``) are layers of a kind too.  Nothing here makes a layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: (layer, number of its call, number of its output)
Place = tuple[str, int, int]

SEQUENTIAL, FUNCTIONAL = ("Sequential",), ("Functional", "Model", "Graph")
#: operators by the names of Keras 3 and, from tf.keras, of TensorFlow
OPERATORS = {
    "Add": "Add", "math.add": "Add", "__operators__.add": "Add",
    "Subtract": "Subtract", "math.subtract": "Subtract",
    "Multiply": "Multiply", "math.multiply": "Multiply",
    "TrueDivide": "Divide", "Divide": "Divide", "math.divide": "Divide", "math.truediv": "Divide",
    "Maximum": "Maximum", "math.maximum": "Maximum", "Minimum": "Minimum", "math.minimum": "Minimum",
}  # fmt: skip
KERAS = ("keras", "tf_keras", "tensorflow")
OPS = ("keras.src.ops", "keras.ops")


class DamagedError(ValueError):
    """A config that no Keras wrote."""


@dataclass
class Call:
    """One call of a layer."""

    inputs: list[Place]
    nested: bool
    training: bool | None = None


@dataclass
class Spec:
    """A layer as the file describes it."""

    kind: str
    name: str
    config: dict[str, Any]
    calls: list[Call] = field(default_factory=list)
    inner: Network | None = None
    own: bool = False
    """whether its class is that of somebody's own and not of Keras, whatever its name"""


@dataclass
class Network:
    """A model as the file describes it."""

    name: str
    layers: list[Spec]
    sequential: bool
    trainable: bool = True
    inputs: list[Place] = field(default_factory=list)
    outputs: list[Place] = field(default_factory=list)
    many: tuple[bool, bool] = (False, False)
    """whether inputs and outputs are lists"""


def is_network(given: Any) -> bool:
    """Whether the config of a layer is that of a model."""
    kind, config = given.get("class_name"), given.get("config")
    functional = isinstance(config, Mapping) and {"layers", "input_layers", "output_layers"} <= set(config)
    return kind in SEQUENTIAL + FUNCTIONAL or functional


def read_network(given: Mapping[str, Any], problems: list[str]) -> Network:
    """The model of ``{"class_name", "config"}``; what cannot be said in edgenet is added to `problems`.

    Raises:
        DamagedError: if it is no config of a model.
    """
    kind, config = given.get("class_name"), given.get("config")
    if kind in SEQUENTIAL:
        listed = config if isinstance(config, list) else _item(config, "layers", list)  # a list up to Keras 2.2
        told = {} if isinstance(config, list) else config
    elif is_network(given):
        listed, told = _item(config, "layers", list), config
    else:
        raise DamagedError(f"the config is of a {kind!r}, not of a Sequential or functional model")
    assert isinstance(told, Mapping)
    name = str(told.get("name") or "model")
    network = Network(name, [], kind in SEQUENTIAL, bool(told.get("trainable", True)))
    for entry in listed:
        network.layers.append(_spec(entry, network.sequential, problems))
    names = [spec.name for spec in network.layers]
    if len(set(names)) < len(names):
        raise DamagedError(f"{name}: two layers have the name {next(n for n in names if names.count(n) > 1)!r}")
    if network.sequential:
        _known_start(network, told.get("build_input_shape"))
    else:
        inputs, many_in = _places(_item(told, "input_layers", list | dict), name)
        outputs, many_out = _places(_item(told, "output_layers", list | dict), name)
        network.inputs, network.outputs, network.many = inputs, outputs, (many_in, many_out)
        _renumber(network, [isinstance(node, Mapping) for entry in listed for node in entry.get("inbound_nodes") or []])
    return network


def _item(config: Any, key: str, kind: Any) -> Any:
    if not isinstance(config, Mapping) or not isinstance(config.get(key), kind):
        raise DamagedError(f"its config has no {key!r} where one must be")
    return config[key]


def _spec(entry: Any, sequential: bool, problems: list[str]) -> Spec:
    """One layer."""
    kind, own = _class(entry)
    if is_network(entry):
        inner = read_network(entry, problems)
        name = str(entry.get("name") or inner.name)
        spec = Spec(kind, name, {}, inner=inner)
    else:
        config = dict(_item(entry, "config", Mapping))
        named = entry.get("name") or config.get("name")
        if not isinstance(named, str):
            raise DamagedError(f"a layer of class {kind} has the name {named!r}")
        name, spec = named, Spec(kind, named, config, own=own)
    if sequential:
        return spec
    nodes = entry.get("inbound_nodes")
    if not isinstance(nodes, list):
        raise DamagedError(f"layer {name!r} does not say what it was called on")
    module = str(entry.get("module") or "")
    if kind in ("TFOpLambda", "SlicingOpLambda") or module.startswith(OPS) or _is_operator(kind, nodes):
        return _operator(spec, nodes, problems)
    for node in nodes:
        inputs, nested, options = _node(node, name)
        training = options.pop("training", None)
        if any(v is not None and v is not False for v in options.values()) or not isinstance(training, bool | None):
            problems.append(
                f"layer {name!r} ({kind}) is called with {', '.join(sorted(options))}, which edgenet's layers do not "
                "take: call it on its inputs alone"
            )
        if training and isinstance(node, Mapping):
            training = None  # Keras 3 notes the default of augmentation layers, and goes by how the model runs
        spec.calls.append(Call(inputs, nested, training))
    return spec


def _class(entry: Any) -> tuple[str, bool]:
    """The class of a layer without the package that it was registered in, and whether it is somebody's own."""
    kind = _item(entry, "class_name", str)
    package, _, name = kind.rpartition(">")
    module, registered = entry.get("module"), entry.get("registered_name")
    elsewhere = isinstance(module, str) and module.partition(".")[0] not in KERAS
    return name, bool(package) or elsewhere or (isinstance(registered, str) and ">" in registered)


def _is_operator(kind: str, nodes: list[Any]) -> bool:
    """Whether it is an operator where the file does not say so: the layers Add, … are called on one list."""
    node = nodes[0] if nodes else None
    args = node.get("args") if isinstance(node, Mapping) else None
    return kind in OPERATORS and isinstance(args, list) and len(args) == 2


def _node(node: Any, name: str) -> tuple[list[Place], bool, dict[str, Any]]:
    """Inputs of a call, whether they were a list, and its other arguments."""
    if isinstance(node, Mapping):
        args, options = _item(node, "args", list), dict(_item(node, "kwargs", Mapping))
        if not args:
            raise DamagedError(f"layer {name!r} is called on nothing, expected one tensor or one list of them")
        if any(a is not None for a in args[1:]):
            options["further arguments"] = True
        nested = isinstance(args[0], list)
        return [_tensor(t, name) for t in (args[0] if nested else args[:1])], nested, options
    entries = [node] if isinstance(node, list) and node and isinstance(node[0], str) else node
    if not isinstance(entries, list) or not entries:
        raise DamagedError(f"layer {name!r} has a call that cannot be read: {str(node)[:80]}")
    options = {}
    for entry in entries:
        if isinstance(entry, list) and len(entry) == 4 and isinstance(entry[3], Mapping):
            options.update(entry[3])
    return [_place(e[:3] if isinstance(e, list) else e, name) for e in entries], len(entries) > 1, options


def _tensor(given: Any, name: str) -> Place:
    if not isinstance(given, Mapping) or given.get("class_name") != "__keras_tensor__":
        raise DamagedError(f"layer {name!r} is called on {str(given)[:80]}, expected a tensor")
    return _place(_item(_item(given, "config", Mapping), "keras_history", list), name)


def _place(given: Any, name: str) -> Place:
    good = isinstance(given, list) and len(given) == 3 and isinstance(given[0], str)
    if not good or any(isinstance(i, bool) or not isinstance(i, int) or i < 0 for i in given[1:]):
        raise DamagedError(f"{name!r} refers to a tensor as {str(given)[:80]}, expected [layer, call, output]")
    return given[0], given[1], given[2]


def _places(given: Any, name: str) -> tuple[list[Place], bool]:
    """Inputs or outputs of a model: one place, a list, or a dictionary of them."""
    if isinstance(given, Mapping):
        given = [given[key] for key in sorted(given)]  # the order in which Keras takes them
    if given and isinstance(given[0], str):
        return [_place(given, name)], False
    places = [_place(g, name) for g in given]
    if not places:
        raise DamagedError(f"{name}: a model without inputs or outputs")
    return places, len(places) > 1


def _known_start(network: Network, shape: Any) -> None:
    """A Sequential without an Input, of which Keras notes the shape that it was built for."""
    first = network.layers[0] if network.layers else None
    if isinstance(shape, list) and first is not None and first.kind != "InputLayer" and first.inner is None:
        first.config.setdefault("batch_input_shape", shape)


def _renumber(network: Network, mappings: list[bool]) -> None:
    """Count the calls of nested models from 0.

    A nested functional model has one call before all others, its own making.  Keras 2 counts it everywhere, Keras 1
    and some versions between nowhere, Keras 3 in the list of outputs alone.
    """
    places = [p for spec in network.layers for call in spec.calls for p in call.inputs]
    for spec in network.layers:
        if spec.inner is None:
            continue
        if any(mappings):
            outside = not spec.inner.sequential
            inside = False
        else:
            outside = inside = min((p[1] for p in [*places, *network.outputs] if p[0] == spec.name), default=0) > 0
        if outside:
            network.outputs = [_less(p, spec.name) for p in network.outputs]
        if inside:
            for other in network.layers:
                for call in other.calls:
                    call.inputs = [_less(p, spec.name) for p in call.inputs]


def _less(place: Place, name: str) -> Place:
    return (name, place[1] - 1, place[2]) if place[0] == name and place[1] > 0 else place


def _operator(spec: Spec, nodes: list[Any], problems: list[str]) -> Spec:
    """An operator on tensors as the layer that does the same: Add, … of two tensors, Rescaling by a number."""
    told = spec.config.get("function", spec.kind)
    name = OPERATORS.get(told) if isinstance(told, str) else None
    operands = _operands(nodes[0], spec.name) if len(nodes) == 1 else []
    numbers = [o for o in operands if isinstance(o, float)]
    places = [o for o in operands if isinstance(o, tuple)]
    spec.config = {"name": spec.name}
    if name and name != "Divide" and len(places) == 2 == len(operands):
        spec.kind, spec.calls = name, [Call(places, True)]
        return spec
    found = None
    if len(operands) == 2 and len(numbers) == 1:
        first, c = isinstance(operands[0], float), numbers[0]
        found = {
            "Add": (1.0, c), "Multiply": (c, 0.0), "Subtract": (-1.0, c) if first else (1.0, -c),
            "Divide": None if first or not c else (1 / c, 0.0),
        }.get(str(name))  # fmt: skip
    if found is None:
        problems.append(
            f"layer {spec.name!r}: the operator {told} on tensors is not supported in this form; use a layer "
            "(Add, Multiply, Rescaling, …) instead"
        )
        spec.calls = [Call(places, len(places) > 1)]
        return spec
    spec.kind, spec.calls = "Rescaling", [Call(places, False)]
    spec.config.update(scale=found[0], offset=found[1])
    return spec


def _operands(node: Any, name: str) -> list[Any]:
    """The operands of an operator: places of tensors, numbers as floats, all else as None."""
    if isinstance(node, Mapping):
        given = [*_item(node, "args", list), *_item(node, "kwargs", Mapping).values()]
    elif isinstance(node, list) and node and isinstance(node[0], str):
        options = node[3] if len(node) > 3 and isinstance(node[3], Mapping) else {}
        given = [node[:3], *(v for key, v in options.items() if key != "name")]
    else:
        given = [e[:3] if isinstance(e, list) else e for e in node] if isinstance(node, list) else []
    return [_operand(g, name) for g in given]


def _operand(given: Any, name: str) -> Any:
    if isinstance(given, Mapping) and given.get("class_name") == "__keras_tensor__":
        return _tensor(given, name)
    if isinstance(given, list) and len(given) == 3 and isinstance(given[0], str):
        return _place(given, name)
    return float(given) if isinstance(given, int | float) and not isinstance(given, bool) else None
