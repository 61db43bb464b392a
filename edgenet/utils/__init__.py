"""Small helpers: seeds, one-hot labels, data sets that are made batch by batch."""

from .dataset import PyDataset
from .labels import to_categorical
from .random import set_random_seed

Sequence = PyDataset

__all__ = ["PyDataset", "Sequence", "set_random_seed", "to_categorical"]
