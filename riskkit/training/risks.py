"""Exact risks of many networks on a finite population, and what is proved of the smallest empirical risk.

Everything comes from the logits at the N rows of D: F and the error rate are sums over rows and labels, F_S and the
errors on S are means over the rows and labels that were drawn. All in float64.

*The minimum.* inf F_S over the network's parameters is at least L_S, the entropy of the labels of S given the row: the
part of F_S on m draws of one row, of which c_y have the label y, is at least sum_y c_y log(m / c_y) / n. Where no row
was drawn with two labels L_S = 0, and a network without an error on S proves inf F_S = 0, if its last layer is linear:
scaled up by c, the loss of every example falls below (K - 1) exp(-c margin). That is the certificate. Without it
inf F_S lies between L_S and the smallest F_S that was found.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from riskkit.data import Population
from riskkit.training.network import Stack

ROWS = 512
"""Rows of D whose logits are computed at a time."""


class Ground(NamedTuple):
    """A block of samples of D, and what is known before training; R replicates.

    Attributes:
        features: of D, float64 (N, p).
        kernel: q(y | row), (N, K).
        rows, targets: of S, int64 (R, n).
        test_rows, test_targets: of a test sample, int64 (R, m); m may be 0.
        entropy: L_S, (R,).
    """

    features: Tensor
    kernel: Tensor
    rows: Tensor
    targets: Tensor
    test_rows: Tensor
    test_targets: Tensor
    entropy: Tensor


class Risks(NamedTuple):
    """Of R networks on D and on their samples, float64 (R,) each; ``separates``: no error on S."""

    population: Tensor
    empirical: Tensor
    error: Tensor
    sample_error: Tensor
    test_error: Tensor
    separates: Tensor


def ground(population: Population, rows: Tensor, targets: Tensor, test_rows: Tensor, test_targets: Tensor) -> Ground:
    device = rows.device
    return Ground(
        torch.tensor(population.features, dtype=torch.float64, device=device),
        torch.as_tensor(population.kernel(), device=device),
        rows,
        targets,
        test_rows,
        test_targets,
        label_entropy(rows, targets, len(population), population.classes),
    )


def label_entropy(rows: Tensor, targets: Tensor, N: int, classes: int) -> Tensor:
    """L_S of samples (R, n), float64 (R,)."""
    R, n = rows.shape
    counts = torch.zeros(R, N * classes, dtype=torch.float64, device=rows.device)
    counts.scatter_add_(1, rows * classes + targets, torch.ones_like(rows, dtype=torch.float64))
    table = counts.reshape(R, N, classes)
    drawn = table.sum(-1)
    # sum_y c_y log(m / c_y) = m log m - sum_y c_y log c_y, which is exactly 0 where one label has all m draws.
    return (torch.xlogy(drawn, drawn) - torch.xlogy(table, table).sum(-1)).sum(-1) / n


def risks(stack: Stack, flat: Tensor, known: Ground) -> Risks:
    """Of networks (R, P) on the samples of their replicates."""
    wide = flat.double()
    R, N = len(flat), len(known.features)
    loss = torch.empty(R, N, known.kernel.shape[1], dtype=torch.float64, device=flat.device)
    for first in range(0, N, ROWS):
        logits = stack.logits(wide, known.features[first : first + ROWS])
        loss[:, first : first + ROWS] = torch.logsumexp(logits, -1, keepdim=True) - logits
    guess = loss.argmin(-1)
    kept = known.kernel.gather(1, guess.T).T  # the chance that the guess is right, (R, N)

    def on(rows: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        own = loss.gather(1, rows[..., None].expand(-1, -1, loss.shape[2])).gather(2, targets[..., None])[..., 0]
        return own.mean(1), (guess.gather(1, rows) != targets).double().mean(1)

    empirical, sample_error = on(known.rows, known.targets)
    if known.test_rows.shape[1]:
        _, test_error = on(known.test_rows, known.test_targets)
    else:
        test_error = torch.zeros_like(empirical)
    lost = ~flat.isfinite().all(1)
    found = Risks(
        population=(loss * known.kernel).sum(-1).mean(1),
        empirical=empirical,
        error=1 - kept.mean(1),
        sample_error=sample_error,
        test_error=test_error,
        separates=(sample_error == 0) & ~lost,
    )
    return Risks(*(part if part.dtype == torch.bool else part.masked_fill(lost, math.nan) for part in found))
