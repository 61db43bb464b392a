"""Losses between distributions: Kullback-Leibler divergence, Poisson."""

from __future__ import annotations

from typing import Any

from edgenet import ops

from .loss import NamedLoss, for_arrays, over_last, same_rank

EPSILON = 1e-7


@for_arrays()
def kl_divergence(y_true: Any, y_pred: Any) -> Any:
    """sum t·log(t / p) over the last axis; both are clipped into [1e-7, 1].

    >>> kl_divergence([[0, 1, 0], [1, 0, 0]], [[0.1, 0.7, 0.2], [0.5, 0.3, 0.2]]).round(7)
    array([0.3566721, 0.6931442])
    """
    t, p = (ops.clip(v, EPSILON, 1.0) for v in (same_rank(y_true, y_pred), y_pred))
    return ops.sum(t * ops.log(t / p), axis=len(p.shape) - 1)


@for_arrays()
def poisson(y_true: Any, y_pred: Any) -> Any:
    """Mean of y_pred - y_true·log(y_pred + 1e-7) over the last axis: counts y_true at rates y_pred."""
    return over_last(y_pred - same_rank(y_true, y_pred) * ops.log(y_pred + EPSILON))


class KLDivergence(NamedLoss):
    """sum t·log(t / p), averaged over the samples.

    >>> KLDivergence().name
    'kl_divergence'
    """

    function = kl_divergence
    aliases = ("kl_divergence", "kullback_leibler_divergence", "kld", "KLD")

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = "kl_divergence", dtype: Any = None
    ) -> None:
        super().__init__(reduction, name, dtype)


class Poisson(NamedLoss):
    """mean (y_pred - y_true·log y_pred): targets are counts, predictions rates."""

    function = poisson
