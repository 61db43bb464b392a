"""What happens between batches and epochs of `fit`."""

from .backup import BackupAndRestore
from .callback import Callback, CallbackList
from .checkpoint import ModelCheckpoint
from .functions import LambdaCallback
from .history import History
from .logger import CSVLogger
from .progress import Progress
from .rate import LearningRateScheduler, ReduceLROnPlateau
from .stopping import EarlyStopping, TerminateOnNaN
from .tensorboard import TensorBoard

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "Progress",
    "ReduceLROnPlateau",
    "TensorBoard",
    "TerminateOnNaN",
]
