"""Layers: the pieces of models.  Each emits ops on symbolic values; names, arguments and defaults are those of Keras 3.

Images are (batch, h, w, channels).

>>> x = Input((28, 28, 1))
>>> y = Dense(10, activation="softmax")(Flatten()(Conv2D(8, 3, activation="relu")(x)))
>>> y.shape
(None, 10)
"""

from .activation import Activation, LeakyReLU, ReLU, Softmax
from .augmentation import RandomContrast, RandomFlip, RandomRotation, RandomTranslation, RandomZoom
from .conv import Conv2D, DepthwiseConv2D, SeparableConv2D
from .conv1d import Conv1D
from .conv_transpose import Conv2DTranspose
from .dense import Dense
from .embedding import Embedding
from .graph import GraphLayer
from .input import InputLayer
from .lambda_layer import Lambda
from .layer import Layer, reset_names
from .layer_normalization import GroupNormalization, LayerNormalization, UnitNormalization
from .merge import (
    Add,
    Average,
    Concatenate,
    Dot,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    concatenate,
    dot,
    maximum,
    minimum,
    multiply,
    subtract,
)
from .normalization import BatchNormalization
from .operation import Operation
from .pool import AveragePooling2D, GlobalAveragePooling2D, GlobalMaxPooling2D, MaxPooling2D
from .pool1d import AveragePooling1D, GlobalAveragePooling1D, GlobalMaxPooling1D, MaxPooling1D
from .pool_weighted import DistanceWeightedAveragePooling2D, L2Pooling2D
from .preprocessing import Normalization, Rescaling
from .regularization import Dropout, GaussianNoise, SpatialDropout1D, SpatialDropout2D
from .reshape import Flatten, Permute, RepeatVector, Reshape, ZeroPadding2D
from .resize import Cropping2D, Resizing, UpSampling2D
from .serialization import custom_object_scope, deserialize, layer_class, register_layer, serialize
from .tensor import Input, SymbolicTensor
from .units import ELU, Maxout, PReLU, RadialBasis

Convolution2D = Conv2D
DepthwiseConvolution2D = DepthwiseConv2D
SeparableConvolution2D = SeparableConv2D
Convolution1D = Conv1D
Convolution2DTranspose = Conv2DTranspose
MaxPool1D = MaxPooling1D
AvgPool1D = AveragePooling1D
GlobalAvgPool1D = GlobalAveragePooling1D
GlobalMaxPool1D = GlobalMaxPooling1D
MaxPool2D = MaxPooling2D
AvgPool2D = AveragePooling2D
GlobalAvgPool2D = GlobalAveragePooling2D
GlobalMaxPool2D = GlobalMaxPooling2D

__all__ = [
    "ELU",
    "Activation",
    "Add",
    "Average",
    "AveragePooling1D",
    "AveragePooling2D",
    "AvgPool1D",
    "AvgPool2D",
    "BatchNormalization",
    "Concatenate",
    "Conv1D",
    "Conv2D",
    "Conv2DTranspose",
    "Convolution1D",
    "Convolution2D",
    "Convolution2DTranspose",
    "Cropping2D",
    "Dense",
    "DepthwiseConv2D",
    "DepthwiseConvolution2D",
    "DistanceWeightedAveragePooling2D",
    "Dot",
    "Dropout",
    "Embedding",
    "Flatten",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAvgPool1D",
    "GlobalAvgPool2D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GraphLayer",
    "GroupNormalization",
    "Input",
    "InputLayer",
    "L2Pooling2D",
    "Lambda",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPooling1D",
    "MaxPooling2D",
    "Maximum",
    "Maxout",
    "Minimum",
    "Multiply",
    "Normalization",
    "Operation",
    "PReLU",
    "Permute",
    "RadialBasis",
    "RandomContrast",
    "RandomFlip",
    "RandomRotation",
    "RandomTranslation",
    "RandomZoom",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Resizing",
    "SeparableConv2D",
    "SeparableConvolution2D",
    "Softmax",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "Subtract",
    "SymbolicTensor",
    "UnitNormalization",
    "UpSampling2D",
    "ZeroPadding2D",
    "add",
    "average",
    "concatenate",
    "custom_object_scope",
    "deserialize",
    "dot",
    "layer_class",
    "maximum",
    "minimum",
    "multiply",
    "register_layer",
    "reset_names",
    "serialize",
    "subtract",
]
