"""Torch optimizers that a shell can name, for ``riskkit check``."""

from __future__ import annotations

import torch

from riskkit.conformance import Claim
from riskkit.optim import SLRLA, Lookahead


def sgd(params):
    return torch.optim.SGD(params, lr=0.1)


def lookahead(params):
    return Lookahead(sgd(params), 5, 0.8)


def slrla(params):
    return SLRLA(torch.optim.Adam(params, lr=0.05), 4, 0.5, 0.3)


class NeverSyncs(Lookahead):
    def _close(self, group):
        pass


def never_syncs(params):
    return NeverSyncs(sgd(params), 5, 0.8)


def claimed(params):
    """SGD that claims to be Lookahead."""
    return sgd(params)


claimed.claim = Claim(sgd, 5, 0.8)
