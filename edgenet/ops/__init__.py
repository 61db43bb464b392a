"""Operations on symbolic values.  Each op is four facts: shape rule, gradient, lowering to kernels, cost."""

from .activation import clip, leaky_relu, log_softmax, relu, sigmoid, softmax, tanh
from .adaptive import adadelta, adagrad, adam, adamax, ftrl, nadam, rmsprop
from .conv import conv2d
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
from .gemm import dense
from .loss import one_hot, sigmoid_cross_entropy, softmax_cross_entropy, sparse_softmax_cross_entropy
from .movement import broadcast_to, concat, depth_to_space, flat, reshape, space_to_depth, transpose
from .norm import batch_norm, batch_norm_train
from .pool import avg_pool, max_pool
from .random import dropout
from .reduce import argmax, max, mean, min, sum
from .update import assign, average, clip_norm, decay, increment, lion, sgd

__all__ = [
    "abs",
    "adadelta",
    "adagrad",
    "adam",
    "adamax",
    "add",
    "argmax",
    "assign",
    "average",
    "avg_pool",
    "batch_norm",
    "batch_norm_train",
    "broadcast_to",
    "clip",
    "clip_norm",
    "concat",
    "conv2d",
    "decay",
    "dense",
    "depth_to_space",
    "div",
    "dropout",
    "equal",
    "exp",
    "flat",
    "ftrl",
    "greater",
    "greater_equal",
    "increment",
    "leaky_relu",
    "lion",
    "log",
    "log_softmax",
    "max",
    "max_pool",
    "maximum",
    "mean",
    "min",
    "minimum",
    "mul",
    "nadam",
    "one_hot",
    "pad",
    "relu",
    "reshape",
    "rmsprop",
    "sgd",
    "sigmoid",
    "sigmoid_cross_entropy",
    "slice_",
    "softmax",
    "softmax_cross_entropy",
    "space_to_depth",
    "sparse_softmax_cross_entropy",
    "sqrt",
    "square",
    "sub",
    "sum",
    "tanh",
    "transpose",
]
