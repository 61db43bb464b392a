"""Activations: functions of a symbolic value, each known by a name that layers take.

>>> from edgenet.graph import Graph
>>> get("relu6")(Graph().input((8, 10)))
%clip: float32[8, 10]
>>> serialize(get("tanh")), get(None) is linear
('tanh', True)
"""

from .functions import (
    absolute,
    elu,
    exponential,
    gelu,
    hard_sigmoid,
    hard_silu,
    leaky_relu,
    linear,
    log_softmax,
    mish,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    softsign,
    tanh,
)
from .registry import Activation, custom_activations, deserialize, get, serialize

swish = silu
hard_swish = hard_silu

__all__ = [
    "Activation",
    "absolute",
    "custom_activations",
    "deserialize",
    "elu",
    "exponential",
    "gelu",
    "get",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "leaky_relu",
    "linear",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "swish",
    "tanh",
]
