"""The eight optimizers of the paper's Table 3, each built as its own authors define it.

    SGD       momentum 0.9, L2 penalty                        torch.optim
    Adam      L2 penalty (Kingma, Ba, ICLR 2015)              torch.optim
    AdamW     decoupled (Loshchilov, Hutter, ICLR 2019)       torch.optim
    RAdam     decoupled (Liu et al., ICLR 2020)               torch.optim, whose default is L2 (pytorch#88836)
    AdaBound  L2 penalty (Luo et al., ICLR 2019)              pytorch_optimizer, guarded
    AdaBelief decoupled (Zhuang et al., NeurIPS 2020)         pytorch_optimizer, guarded
    SLA       stagewise Lookahead around SGD                  riskkit.optim
    SLRLA     SLRLA around SGD                                riskkit.optim

AdaBound is that of its authors' code, with Adam's bias corrections; the paper's Algorithm 2 has none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from riskkit.optim.rounds import Momentum
from riskkit.optim.stages import SLRLA

TABLE3 = ("Adam", "AdaBound", "RAdam", "AdamW", "AdaBelief", "SGD", "SLA", "SLRLA")
"""In the order of the table."""

Params = Iterable[Tensor] | Iterable[dict[str, Any]]


def build(
    name: str,
    params: Params,
    lr: float,
    weight_decay: float = 0.0,
    *,
    k: int = 5,
    alpha: float = 0.8,
    beta: float = 0.0,
    anchor_every: int | None = None,
    momentum: Momentum = "keep",
) -> Optimizer:
    """An optimizer of Table 3 on ``params``; SGD, also inside SLA and SLRLA, has momentum 0.9.

    ``lr``: the step size; ``weight_decay``: the penalty's weight. ``k``, ``alpha`` and ``momentum`` are read for SLA
    and SLRLA, ``beta`` and ``anchor_every`` for SLRLA. Raises ValueError for an unknown name and for a number that its
    optimizer does not accept, ImportError if pytorch_optimizer is missing.
    """
    match name:
        case "SGD" | "SLA" | "SLRLA":
            sgd = torch.optim.SGD(params, lr=lr, momentum=0.9, weight_decay=weight_decay)
            if name == "SGD":
                return sgd
            penalty = (beta, anchor_every) if name == "SLRLA" else (0.0, None)
            return SLRLA(sgd, k, alpha, *penalty, momentum=momentum)
        case "Adam":
            return torch.optim.Adam(params, lr=lr, weight_decay=weight_decay)
        case "AdamW":
            return torch.optim.AdamW(params, lr=lr, weight_decay=weight_decay)
        case "RAdam":
            return torch.optim.RAdam(params, lr=lr, weight_decay=weight_decay, decoupled_weight_decay=True)
        case "AdaBound" | "AdaBelief":
            return _guarded(name, params, lr, weight_decay)
    raise ValueError(f"build: name must be one of {', '.join(TABLE3)}; got {name!r}.")


def _guarded(name: str, params: Params, lr: float, weight_decay: float) -> Optimizer:
    try:
        from riskkit.optim import guarded
    except ImportError as error:
        raise ImportError(
            f"{name} needs the package pytorch_optimizer, which is not installed; pip install 'riskkit[networks]'."
        ) from error
    if name == "AdaBound":
        return guarded.AdaBound(params, lr=lr, weight_decay=weight_decay, weight_decouple=False)
    return guarded.AdaBelief(params, lr=lr, weight_decay=weight_decay)
