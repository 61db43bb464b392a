"""Operations on symbolic values.  Each op is four facts: shape rule, gradient, lowering to kernels, cost."""

from .activation import clip, leaky_relu, log_softmax, relu, sigmoid, softmax, tanh
from .adaptive import adadelta, adagrad, adam, adamax, ftrl, nadam, rmsprop
from .affine import affine
from .conv import conv2d
from .cumulate import cumsum
from .curve import elu, erf, gelu, hard_silu, mish, silu, softplus
from .cut import pad, slice_
from .elementwise import (
    abs,
    add,
    div,
    equal,
    exp,
    greater,
    greater_equal,
    log,
    maximum,
    minimum,
    mul,
    sqrt,
    square,
    sub,
)
from .function import (
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atanh,
    ceil,
    cos,
    cosh,
    floor,
    remainder,
    round,
    sign,
    sin,
    sinh,
    tan,
)
from .gather import gather
from .gemm import dense
from .layer_norm import layer_norm
from .loss import one_hot, sigmoid_cross_entropy, softmax_cross_entropy, sparse_softmax_cross_entropy
from .matmul import matmul
from .movement import broadcast_to, concat, depth_to_space, flat, reshape, space_to_depth, transpose
from .norm import batch_norm, batch_norm_train
from .pool import avg_pool, max_pool
from .random import dropout, random_affine, random_normal, random_uniform
from .recurrent import gru, lstm
from .reduce import argmax, max, mean, min, prod, sum
from .resample import resample
from .resize import resize
from .select import power, where
from .update import assign, average, clip_norm, decay, increment, lion, sgd
from .volume import avg_pool3d, conv3d, conv3d_transpose, max_pool3d

__all__ = [
    "abs",
    "acos",
    "acosh",
    "adadelta",
    "adagrad",
    "adam",
    "adamax",
    "add",
    "affine",
    "argmax",
    "asin",
    "asinh",
    "assign",
    "atan",
    "atanh",
    "average",
    "avg_pool",
    "avg_pool3d",
    "batch_norm",
    "batch_norm_train",
    "broadcast_to",
    "ceil",
    "clip",
    "clip_norm",
    "concat",
    "conv2d",
    "conv3d",
    "conv3d_transpose",
    "cos",
    "cosh",
    "cumsum",
    "decay",
    "dense",
    "depth_to_space",
    "div",
    "dropout",
    "elu",
    "equal",
    "erf",
    "exp",
    "flat",
    "floor",
    "ftrl",
    "gather",
    "gelu",
    "greater",
    "greater_equal",
    "gru",
    "hard_silu",
    "increment",
    "layer_norm",
    "leaky_relu",
    "lion",
    "log",
    "log_softmax",
    "lstm",
    "matmul",
    "max",
    "max_pool",
    "max_pool3d",
    "maximum",
    "mean",
    "min",
    "minimum",
    "mish",
    "mul",
    "nadam",
    "one_hot",
    "pad",
    "power",
    "prod",
    "random_affine",
    "random_normal",
    "random_uniform",
    "relu",
    "remainder",
    "resample",
    "reshape",
    "resize",
    "rmsprop",
    "round",
    "sgd",
    "sigmoid",
    "sigmoid_cross_entropy",
    "sign",
    "silu",
    "sin",
    "sinh",
    "slice_",
    "softmax",
    "softmax_cross_entropy",
    "softplus",
    "space_to_depth",
    "sparse_softmax_cross_entropy",
    "sqrt",
    "square",
    "sub",
    "sum",
    "tan",
    "tanh",
    "transpose",
    "where",
]
