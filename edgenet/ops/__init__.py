"""Operations on symbolic values, in the words of `keras.ops` and NumPy; a few names are shorter ones for the same.

What a function returns is a value of the graph that its inputs belong to.  Losses, metrics, ``Lambda`` functions and
layers of one's own are written with them; gradients, training and ONNX follow from the ops.
"""

from .activation import clip, leaky_relu, log_softmax, relu, sigmoid, softmax, tanh
from .adaptive import adadelta, adagrad, adam, adamax, ftrl, nadam, rmsprop
from .affine import affine
from .composed import (
    argmin,
    hard_sigmoid,
    isnan,
    less,
    less_equal,
    log2,
    log10,
    log_sigmoid,
    logical_and,
    logical_not,
    logical_or,
    logsumexp,
    negative,
    not_equal,
    power,
    reciprocal,
    relu6,
    rsqrt,
    softsign,
    std,
    var,
)
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
    prelu,
    remainder,
    round,
    sign,
    sin,
    sinh,
    tan,
)
from .gather import gather
from .gemm import dense
from .integer import conv_integer, matmul_integer, qlinear_conv, qlinear_matmul
from .join import concat, flat
from .layer_norm import layer_norm
from .loss import one_hot, sigmoid_cross_entropy, softmax_cross_entropy, sparse_softmax_cross_entropy
from .matmul import matmul
from .movement import broadcast_to, depth_to_space, reshape, space_to_depth, transpose
from .norm import batch_norm
from .norm_train import batch_norm_train
from .pool import avg_pool, max_pool
from .quantize import dequantize_linear, dynamic_quantize_linear, quantize_linear
from .random import dropout, random_affine, random_normal, random_uniform
from .recurrent import gru, lstm
from .reduce import argmax, max, mean, min, prod, sum
from .resample import resample
from .resize import resize
from .select import cast, where
from .shaping import (
    concatenate,
    expand_dims,
    flip,
    full_like,
    moveaxis,
    ndim,
    ones_like,
    ravel,
    repeat,
    shape,
    split,
    squeeze,
    stack,
    swapaxes,
    take,
    zeros_like,
)
from .update import assign, average, clip_norm, decay, increment, lion, sgd
from .volume import avg_pool3d, conv3d, conv3d_transpose, max_pool3d

absolute = abs
amax = max
amin = min
arccos = acos
arccosh = acosh
arcsin = asin
arcsinh = asinh
arctan = atan
arctanh = atanh
divide = div
hard_swish = hard_silu
mod = remainder
multiply = mul
subtract = sub
swish = silu
true_divide = div

__all__ = [
    "abs",
    "absolute",
    "acos",
    "acosh",
    "adadelta",
    "adagrad",
    "adam",
    "adamax",
    "add",
    "affine",
    "amax",
    "amin",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctanh",
    "argmax",
    "argmin",
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
    "cast",
    "ceil",
    "clip",
    "clip_norm",
    "concat",
    "concatenate",
    "conv2d",
    "conv3d",
    "conv3d_transpose",
    "conv_integer",
    "cos",
    "cosh",
    "cumsum",
    "decay",
    "dense",
    "depth_to_space",
    "dequantize_linear",
    "div",
    "divide",
    "dropout",
    "dynamic_quantize_linear",
    "elu",
    "equal",
    "erf",
    "exp",
    "expand_dims",
    "flat",
    "flip",
    "floor",
    "ftrl",
    "full_like",
    "gather",
    "gelu",
    "greater",
    "greater_equal",
    "gru",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "increment",
    "isnan",
    "layer_norm",
    "leaky_relu",
    "less",
    "less_equal",
    "lion",
    "log",
    "log2",
    "log10",
    "log_sigmoid",
    "log_softmax",
    "logical_and",
    "logical_not",
    "logical_or",
    "logsumexp",
    "lstm",
    "matmul",
    "matmul_integer",
    "max",
    "max_pool",
    "max_pool3d",
    "maximum",
    "mean",
    "min",
    "minimum",
    "mish",
    "mod",
    "moveaxis",
    "mul",
    "multiply",
    "nadam",
    "ndim",
    "negative",
    "not_equal",
    "one_hot",
    "ones_like",
    "pad",
    "power",
    "prelu",
    "prod",
    "qlinear_conv",
    "qlinear_matmul",
    "quantize_linear",
    "random_affine",
    "random_normal",
    "random_uniform",
    "ravel",
    "reciprocal",
    "relu",
    "relu6",
    "remainder",
    "repeat",
    "resample",
    "reshape",
    "resize",
    "rmsprop",
    "round",
    "rsqrt",
    "sgd",
    "shape",
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
    "softsign",
    "space_to_depth",
    "sparse_softmax_cross_entropy",
    "split",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "std",
    "sub",
    "subtract",
    "sum",
    "swapaxes",
    "swish",
    "take",
    "tan",
    "tanh",
    "transpose",
    "true_divide",
    "var",
    "where",
    "zeros_like",
]
