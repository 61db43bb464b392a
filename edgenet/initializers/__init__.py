"""First values of weights: callables that make an array of a shape.

A layer takes one by name (``"he_normal"``), as an object (``HeNormal(seed=3)``), as a config, or as any function
``shape -> array``.

>>> import numpy as np
>>> get("zeros")((2, 3))
array([[0., 0., 0.],
       [0., 0., 0.]], dtype=float32)
>>> bool(np.abs(GlorotUniform(seed=1)((784, 500))).max() < 0.06836)
True
"""

from .constant import Constant, Identity, Ones, Zeros
from .initializer import Initializer, custom_initializers, deserialize, get, serialize
from .scaling import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    VarianceScaling,
    compute_fans,
)
from .spread import Orthogonal, RandomNormal, RandomUniform, TruncatedNormal

zeros = Zeros
ones = Ones
constant = Constant
identity = Identity
random_normal = RandomNormal
random_uniform = RandomUniform
truncated_normal = TruncatedNormal
orthogonal = Orthogonal
variance_scaling = VarianceScaling
glorot_normal = GlorotNormal
glorot_uniform = GlorotUniform
he_normal = HeNormal
he_uniform = HeUniform
lecun_normal = LecunNormal
lecun_uniform = LecunUniform

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "compute_fans",
    "constant",
    "custom_initializers",
    "deserialize",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "serialize",
    "truncated_normal",
    "variance_scaling",
    "zeros",
]
