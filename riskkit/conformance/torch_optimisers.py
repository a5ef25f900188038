"""Is a torch optimizer what it says it is?

    report = check_optimiser(lambda params: Lookahead(torch.optim.SGD(params, lr=0.1), 5, 0.8))
    print(report)
    assert not report.faults

The optimizer is driven with riskkit's gradients and index stream on mean estimation, a quadratic, R replicates at once.
It is compared with Algorithm 2 (or 3) written by hand around the same inner optimizer, with riskkit's staged algorithm
on the same examples, and with the exact moments. Then come the things that training does to an optimizer: a checkpoint
inside a round, copies, schedulers, a scaler that skips steps, closures, hooks, groups added later, frozen parameters.
No fault is no proof.
"""

from __future__ import annotations

import copy
import functools
import inspect
import pickle
from collections.abc import Callable
from typing import Any

from torch.optim import Optimizer

from riskkit.conformance import training, trajectories
from riskkit.conformance.claims import Claim, claim_of, parameters
from riskkit.conformance.driven import Subject
from riskkit.conformance.findings import Found, Report, guarded
from riskkit.conformance.rounds import Factory


def check_optimiser(make: Factory, claim: Claim | None = None, *, seed: int = 0) -> Report:
    """Runs every check on the CPU; a few seconds.

    Args:
        make: makes the optimizer on a list of parameters.
        claim: what it says it is. Default: ``make.claim`` if there is one; else k, alpha and the inner optimizer are
            read from what ``make`` makes; an optimizer without an inner one claims to be itself.
        seed: of the data and the index stream.

    Raises ValueError where the claim cannot be read, and for an optimizer that needs a closure at every step; what is
    wrong with the optimizer is reported, never raised.
    """
    owner = _name(make)
    made = guarded("torch optimizer", lambda: _constructed(make))
    if made.faults:
        return Report(owner, (made,))
    needed = _needed(make)
    if needed:
        raise ValueError(f"{owner}: step() needs {needed}; only optimizers that step on gradients alone are covered.")
    given = claim or getattr(make, "claim", None) or claim_of(make)
    if not isinstance(given, Claim):
        raise ValueError(f"{owner}: claim must be a riskkit.conformance.Claim; got {type(given).__name__}.")
    subject = Subject(make, given, seed)
    findings = [made._replace(note=given.described)]
    for title, run in CHECKS:
        findings.append(guarded(title, functools.partial(run, subject)))
    return Report(owner, tuple(findings))


def _name(make: Any) -> str:
    return getattr(make, "__name__", type(make).__name__)


def _constructed(make: Factory) -> Found:
    params = parameters()
    made = make(params)
    if not isinstance(made, Optimizer):
        kind = type(made).__name__
        return Found([f"{kind} is no torch.optim.Optimizer: schedulers and GradScaler refuse it; make it a subclass."])
    held = [p for group in made.param_groups for p in group["params"]]
    if len(held) != len(params) or any(p is not q for p, q in zip(held, params, strict=True)):
        return Found(["param_groups must hold the parameters that were given, in their order."])
    return Found([])


def _needed(make: Factory) -> str:
    """The arguments that ``step`` cannot do without."""
    taken = inspect.signature(make(parameters()).step).parameters.values()
    needed = [p for p in taken if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    return ", ".join(p.name for p in needed)


CHECKS: tuple[tuple[str, Callable[[Subject], Found]], ...] = (
    ("rounds", trajectories.rounds),
    ("staged algorithm", trajectories.staged_algorithm),
    ("exact moments", trajectories.exact_moments),
    ("stages", trajectories.stages),
    ("weights", trajectories.weights),
    ("resume", training.resume),
    ("scheduler", training.scheduler),
    ("skipped steps", training.skipped),
    ("closure", training.closing),
    ("hooks", training.hooks),
    ("groups added later", training.groups),
    ("frozen parameters", training.frozen),
    ("deepcopy", training.copied(copy.deepcopy)),
    ("pickle", training.copied(lambda pair: pickle.loads(pickle.dumps(pair)))),
)
"""Run in this order: what the first finds is what the later ones compare with."""
