"""Ops that only training needs: why each has no ONNX form."""

from __future__ import annotations

from ..registry import no_form

no_form(
    "ONNX models are written for inference, and this is the gradient of another op",
    "abs_dx", "affine_dx", "avg_pool_dx", "batch_norm_dw", "batch_norm_dx", "batch_norm_train_dx", "clip_dx",
    "conv2d_dw", "elu_dx", "erf_dx", "gather_dx", "gelu_dx", "gelu_tanh_dx", "gru_dx",
    "hard_silu_dx", "layer_norm_dx", "leaky_relu_dx", "lstm_dx",
    "log_softmax_dx", "max_pool_dx", "mish_dx", "relu_dx", "resize_dx", "sigmoid_cross_entropy_dx", "sigmoid_dx",
    "silu_dx", "slice_dx", "softmax_cross_entropy_dx", "softmax_dx", "softplus_dx",
    "sparse_softmax_cross_entropy_dx", "tanh_dx",
)  # fmt: skip
no_form(
    "ONNX models are written for inference, and a loss is computed in training; write the graph up to its predictions",
    "sigmoid_cross_entropy", "softmax_cross_entropy", "sparse_softmax_cross_entropy",
)  # fmt: skip
no_form(
    "ONNX models are written for inference, where batch normalisation uses its moving statistics: write the inference "
    "graph, which has batch_norm in its place",
    "batch_norm_again", "batch_norm_train",
)  # fmt: skip
no_form("ONNX models are written for inference, where dropout does nothing: write the inference graph", "dropout")
no_form(
    "ONNX models are written for inference, where augmentation and noise do nothing: write the inference graph",
    "random_affine", "random_normal", "random_uniform",
)  # fmt: skip
no_form("ONNX has no operator that every runtime knows for it; it serves to augment images in training", "affine")
no_form(
    "a model in ONNX has no memory: nothing in it can change a variable",
    "adadelta", "adagrad", "adam", "adamax", "assign", "average", "decay", "ftrl", "increment", "lion", "nadam",
    "rmsprop", "sgd",
)  # fmt: skip
no_form("ONNX models are written for inference, and gradients are clipped in training", "clip_norm")
