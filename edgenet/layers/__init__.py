"""Layers: the pieces of models.  Each emits ops on symbolic values; names, arguments and defaults are those of Keras 3.

Images are (batch, h, w, channels).

>>> x = Input((28, 28, 1))
>>> y = Dense(10, activation="softmax")(Flatten()(Conv2D(8, 3, activation="relu")(x)))
>>> y.shape
(None, 10)
"""

from .activation import Activation, LeakyReLU, ReLU, Softmax
from .conv import Conv2D, DepthwiseConv2D, SeparableConv2D
from .dense import Dense
from .input import InputLayer
from .layer import Layer, reset_names
from .merge import (
    Add,
    Average,
    Concatenate,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    concatenate,
    maximum,
    minimum,
    multiply,
    subtract,
)
from .normalization import BatchNormalization
from .pool import AveragePooling2D, GlobalAveragePooling2D, GlobalMaxPooling2D, MaxPooling2D
from .regularization import Dropout, SpatialDropout2D
from .reshape import Flatten, Reshape, ZeroPadding2D
from .serialization import custom_object_scope, deserialize, layer_class, register_layer, serialize
from .tensor import Input, SymbolicTensor

Convolution2D = Conv2D
DepthwiseConvolution2D = DepthwiseConv2D
SeparableConvolution2D = SeparableConv2D
MaxPool2D = MaxPooling2D
AvgPool2D = AveragePooling2D
GlobalAvgPool2D = GlobalAveragePooling2D
GlobalMaxPool2D = GlobalMaxPooling2D

__all__ = [
    "Activation",
    "Add",
    "Average",
    "AveragePooling2D",
    "AvgPool2D",
    "BatchNormalization",
    "Concatenate",
    "Conv2D",
    "Convolution2D",
    "Dense",
    "DepthwiseConv2D",
    "DepthwiseConvolution2D",
    "Dropout",
    "Flatten",
    "GlobalAveragePooling2D",
    "GlobalAvgPool2D",
    "GlobalMaxPool2D",
    "GlobalMaxPooling2D",
    "Input",
    "InputLayer",
    "Layer",
    "LeakyReLU",
    "MaxPool2D",
    "MaxPooling2D",
    "Maximum",
    "Minimum",
    "Multiply",
    "ReLU",
    "Reshape",
    "SeparableConv2D",
    "SeparableConvolution2D",
    "Softmax",
    "SpatialDropout2D",
    "Subtract",
    "SymbolicTensor",
    "ZeroPadding2D",
    "add",
    "average",
    "concatenate",
    "custom_object_scope",
    "deserialize",
    "layer_class",
    "maximum",
    "minimum",
    "multiply",
    "register_layer",
    "reset_names",
    "serialize",
    "subtract",
]
