"""Small helpers: seeds, one-hot labels, data sets made batch by batch, pictures of models and of training."""

from .dataset import PyDataset
from .labels import to_categorical
from .plots import model_to_dot, plot_confusion_matrix, plot_history, plot_model
from .random import set_random_seed

Sequence = PyDataset

__all__ = [
    "PyDataset",
    "Sequence",
    "model_to_dot",
    "plot_confusion_matrix",
    "plot_history",
    "plot_model",
    "set_random_seed",
    "to_categorical",
]
