"""What happens between batches and epochs of `fit`."""

from .callback import Callback, CallbackList
from .checkpoint import ModelCheckpoint
from .history import History
from .progress import Progress
from .rate import LearningRateScheduler, ReduceLROnPlateau
from .stopping import EarlyStopping, TerminateOnNaN

__all__ = [
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "Progress",
    "ReduceLROnPlateau",
    "TerminateOnNaN",
]
