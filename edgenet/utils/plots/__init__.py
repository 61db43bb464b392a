"""Pictures: of models, of training, of confusion.

They need ``pip install "edgenet[plot]"`` (matplotlib, pydot) and no program besides: the layout of a model is computed
here, not by Graphviz.  matplotlib is used without pyplot, so neither its backend nor its open figures are touched.
"""

from .charts import plot_confusion_matrix, plot_history
from .model import model_to_dot, plot_model

__all__ = ["model_to_dot", "plot_confusion_matrix", "plot_history", "plot_model"]
