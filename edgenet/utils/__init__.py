"""Small helpers: seeds, one-hot labels, pictures of models and of training."""

from .labels import to_categorical
from .plots import model_to_dot, plot_confusion_matrix, plot_history, plot_model
from .random import set_random_seed

__all__ = [
    "model_to_dot",
    "plot_confusion_matrix",
    "plot_history",
    "plot_model",
    "set_random_seed",
    "to_categorical",
]
