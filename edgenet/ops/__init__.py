"""Operations on symbolic values.  Each op is four facts: shape rule, gradient, lowering to kernels, cost."""

from .activation import clip, leaky_relu, log_softmax, relu, sigmoid, softmax, tanh
from .adaptive import adadelta, adagrad, adam, adamax, ftrl, nadam, rmsprop
from .affine import affine
from .conv import conv2d
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
from .gather import gather
from .gemm import dense
from .integer import conv_integer, matmul_integer, qlinear_conv, qlinear_matmul
from .loss import one_hot, sigmoid_cross_entropy, softmax_cross_entropy, sparse_softmax_cross_entropy
from .movement import broadcast_to, concat, depth_to_space, flat, reshape, space_to_depth, transpose
from .norm import batch_norm, batch_norm_train
from .pool import avg_pool, max_pool
from .quantize import dequantize_linear, dynamic_quantize_linear, quantize_linear
from .random import dropout, random_affine, random_normal, random_uniform
from .reduce import argmax, max, mean, min, sum
from .resize import resize
from .update import assign, average, clip_norm, decay, increment, lion, sgd

__all__ = [
    "abs",
    "adadelta",
    "adagrad",
    "adam",
    "adamax",
    "add",
    "affine",
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
    "conv_integer",
    "decay",
    "dense",
    "depth_to_space",
    "dequantize_linear",
    "div",
    "dropout",
    "dynamic_quantize_linear",
    "elu",
    "equal",
    "erf",
    "exp",
    "flat",
    "ftrl",
    "gather",
    "gelu",
    "greater",
    "greater_equal",
    "hard_silu",
    "increment",
    "leaky_relu",
    "lion",
    "log",
    "log_softmax",
    "matmul_integer",
    "max",
    "max_pool",
    "maximum",
    "mean",
    "min",
    "minimum",
    "mish",
    "mul",
    "nadam",
    "one_hot",
    "pad",
    "qlinear_conv",
    "qlinear_matmul",
    "quantize_linear",
    "random_affine",
    "random_normal",
    "random_uniform",
    "relu",
    "reshape",
    "resize",
    "rmsprop",
    "sgd",
    "sigmoid",
    "sigmoid_cross_entropy",
    "silu",
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
    "tanh",
    "transpose",
]
