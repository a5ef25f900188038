"""Lookahead around any torch optimizer (Algorithm 2).

With v the fast weights (the parameters) and theta the slow weights,

    k steps of the inner optimizer on v,   then   theta <- (1 - alpha) theta + alpha v,   v <- theta.

theta starts as the parameters are before the first step, so that the first round is like all others.

``param_groups``, ``state`` and ``defaults`` are the inner optimizer's own. The slow weights lie in its state. k,
alpha and the counter lie in its groups. So all of them are in its ``state_dict``, and nothing is kept twice.

Source: Zhang, Lucas, Ba, Hinton, "Lookahead Optimizer: k steps forward, 1 step back", NeurIPS 2019; Zhou et al.,
NeurIPS 2021, Algorithm 2.
"""

from __future__ import annotations

import contextlib
import math
import numbers
from collections.abc import Callable, Iterator
from typing import Any, Literal, get_args

import torch
from torch import Tensor
from torch.optim import Optimizer

Momentum = Literal["keep", "reset", "pullback"]
MOMENTA: tuple[Momentum, ...] = get_args(Momentum)

SLOW, PULLED = "lookahead_slow", "lookahead_slow_momentum"
"""Keys of a parameter's state."""
K, ALPHA, MOMENTUM, STEP = "lookahead_k", "lookahead_alpha", "lookahead_momentum", "lookahead_step"
"""Keys of a group; ``STEP`` counts the steps of the inner optimizer since the stage began."""
BUFFERS = ("momentum_buffer", "exp_avg")
"""What torch's optimizers, and those written after them, call their momentum."""

Closure = Callable[[], Any]
Group = dict[str, Any]


class Lookahead(Optimizer):
    """Lookahead: every k steps of ``inner`` the parameters return part of the way to where they were.

    Args:
        inner: any torch optimizer; hand all further calls to the wrapper.
        k: steps of ``inner`` in a round, at least 1.
        alpha: the part of the way that is kept, in (0, 1]. 1 is ``inner``, bit for bit.
        momentum: what happens to the inner optimizer's first moment (``momentum_buffer`` or ``exp_avg``) when a round
            ends. ``keep`` leaves it. ``reset`` sets it to 0. ``pullback`` averages it as the weights are, with its own
            slow copy, which starts at 0.

    A group's own ``lookahead_k``, ``lookahead_alpha`` and ``lookahead_momentum`` override these. Every group counts its
    own steps, so a group added later also has rounds of k steps. A parameter takes part from its first gradient on.
    Between rounds the parameters are the fast weights: evaluate within ``slow_weights()``.

    Raises TypeError if ``inner`` is no torch optimizer or is itself a Lookahead, ValueError for the other arguments.
    """

    inner: Optimizer
    _settings: dict[str, Any]
    _inside = False

    def __init__(self, inner: Optimizer, k: int, alpha: float, momentum: Momentum = "keep") -> None:
        self._begin(inner, {K: k, ALPHA: alpha, MOMENTUM: momentum, STEP: 0})

    def _begin(self, inner: Optimizer, settings: dict[str, Any]) -> None:
        owner = type(self).__name__
        if not isinstance(inner, Optimizer):
            raise TypeError(f"{owner}: inner must be a torch.optim.Optimizer; got {type(inner).__name__}.")
        if isinstance(inner, Lookahead):
            raise TypeError(f"{owner}: inner must not be a Lookahead itself; got {type(inner).__name__}.")
        self._check(settings)
        # The way of an optimizer that was pickled: hooks and the profiled step, but no groups and state of its own.
        self.__setstate__({"inner": inner, "_settings": settings})
        self._fill()

    def _check(self, group: Group) -> None:
        owner, k, alpha = type(self).__name__, _number(group[K]), _number(group[ALPHA])
        if not (1 <= k < math.inf and k == math.floor(k)):
            raise ValueError(f"{owner}: k must be a whole number >= 1; got {group[K]!r}.")
        if not 0 < alpha <= 1:
            raise ValueError(f"{owner}: alpha must lie in (0, 1]; got {group[ALPHA]!r}.")
        if group[MOMENTUM] not in MOMENTA:
            raise ValueError(f"{owner}: momentum must be one of {', '.join(MOMENTA)}; got {group[MOMENTUM]!r}.")

    def _fill(self) -> None:
        """Gives every group what it lacks, one that was added to ``inner`` or loaded from its checkpoint too."""
        for group in self.param_groups:
            if len(group.keys() & self._settings.keys()) < len(self._settings):
                for key, value in self._settings.items():
                    group.setdefault(key, value)
                self._check(group)

    @property
    def param_groups(self) -> list[Group]:  # type: ignore[override]
        """The inner optimizer's."""
        return self.inner.param_groups

    @property
    def state(self) -> Any:  # type: ignore[override]
        """The inner optimizer's."""
        return self.inner.state

    @property
    def defaults(self) -> dict[str, Any]:  # type: ignore[override]
        """The inner optimizer's."""
        return self.inner.defaults

    def add_param_group(self, param_group: Group) -> None:
        """Adds a group to the inner optimizer; its first round begins with its first step."""
        self.inner.add_param_group(param_group)
        self._fill()

    @torch.no_grad()
    def step(self, closure: Closure | None = None) -> Any:
        """One step of the inner optimizer, which gets the closure; every k-th ends a round. Returns what it returns.

        Raises RuntimeError within ``slow_weights()``.
        """
        self._holds_fast_weights("step")
        self._fill()
        # Adam initializes a parameter whose state is empty: nothing may be put there before its first step.
        fresh = {
            p: p.clone()
            for group in self.param_groups
            for p in group["params"]
            if SLOW not in self.state.get(p, ()) and (p.grad is not None or (closure is not None and p.requires_grad))
        }
        for group in self.param_groups:
            self._open(group)
        answer = self._advance(closure, fresh)
        for group in self.param_groups:
            for p in group["params"]:
                if p in fresh and p.grad is not None:
                    self._enrol(group, p, fresh[p])
            self._count(group)
            if group[STEP] % group[K] == 0:
                self._close(group)
        return answer

    def _advance(self, closure: Closure | None, fresh: dict[Tensor, Tensor]) -> Any:
        """A step of the inner optimizer. ``fresh``: copies of the parameters that may take part for the first time."""
        return self.inner.step() if closure is None else self.inner.step(closure)

    def _enrol(self, group: Group, p: Tensor, start: Tensor) -> None:
        """``p`` has taken its first step, from ``start``."""
        self.state[p][SLOW] = start

    def _count(self, group: Group) -> None:
        group[STEP] += 1

    def _enrolled(self, group: Group) -> list[Tensor]:
        """The parameters that have slow weights."""
        return [p for p in group["params"] if SLOW in self.state.get(p, ())]

    def _open(self, group: Group) -> None:
        """Before a step: a stage starts from the parameters as they are, whoever set them."""
        if group[STEP] == 0 and (fast := self._enrolled(group)):
            torch._foreach_copy_([self.state[p][SLOW] for p in fast], fast)

    def _close(self, group: Group) -> None:
        """Ends a round: alpha = 1 leaves the parameters as they are, bit for bit."""
        fast = self._enrolled(group)
        if not fast:
            return
        _mix(fast, [self.state[p][SLOW] for p in fast], group[ALPHA])
        if group[MOMENTUM] != "keep":
            self._close_momentum(group, fast)

    def _close_momentum(self, group: Group, fast: list[Tensor]) -> None:
        for p in fast:
            state = self.state[p]
            name = next((name for name in BUFFERS if isinstance(state.get(name), Tensor)), None)
            if name is None:
                raise ValueError(
                    f"{type(self).__name__}: momentum={group[MOMENTUM]!r} needs an inner optimizer with "
                    f"{' or '.join(BUFFERS)} in its state; {type(self.inner).__name__} has none. Use momentum='keep'."
                )
            if group[MOMENTUM] == "reset":
                state[name].zero_()
            else:
                if PULLED not in state:
                    state[PULLED] = torch.zeros_like(state[name])
                _mix([state[name]], [state[PULLED]], group[ALPHA])

    @torch.no_grad()
    def next_stage(self) -> None:
        """Ends the stage, and before it the round that has been started, with fewer than k steps then.

        The next stage starts from the parameters. Call it where the step size falls: milestones in epochs are rarely a
        multiple of k. Raises RuntimeError within ``slow_weights()``.
        """
        self._holds_fast_weights("next_stage")
        self._fill()
        for group in self.param_groups:
            if group[STEP] % group[K]:
                self._close(group)
            group[STEP] = 0

    @contextlib.contextmanager
    def slow_weights(self) -> Iterator[None]:
        """Within it the parameters are the slow weights; afterwards they are again what they were, bit for bit.

        Buffers, such as batch norm's running statistics, are not the optimizer's: they stay those of the fast weights.
        Raises RuntimeError if it is entered twice, and for ``step``, ``next_stage``, ``state_dict``,
        ``load_state_dict``, copies and pickles within it.
        """
        self._holds_fast_weights("slow_weights")
        fast = [p for group in self.param_groups for p in self._enrolled(group)]
        with torch.no_grad():
            kept = [p.clone() for p in fast]
            for p in fast:
                p.copy_(self.state[p][SLOW])
        self._inside = True
        try:
            yield
        finally:
            self._inside = False
            with torch.no_grad():
                for p, own in zip(fast, kept, strict=True):
                    p.copy_(own)

    def _holds_fast_weights(self, what: str) -> None:
        if self._inside:
            raise RuntimeError(f"{type(self).__name__}: {what} was called within slow_weights(); leave it first.")

    def state_dict(self) -> dict[str, Any]:
        """The inner optimizer's, with the slow weights and the counters in it; loads under ``weights_only=True``.

        Raises RuntimeError within ``slow_weights()``.
        """
        self._holds_fast_weights("state_dict")
        for before in self._optimizer_state_dict_pre_hooks.values():
            before(self)
        found = self.inner.state_dict()
        for after in self._optimizer_state_dict_post_hooks.values():
            changed = after(self, found)
            found = found if changed is None else changed
        return found

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Loads what ``state_dict`` gave, k and alpha with it, as torch does with lr.

        A checkpoint of the inner optimizer alone is loaded too: then a first round begins. Raises RuntimeError within
        ``slow_weights()``, and what the inner optimizer raises for another model's.
        """
        self._holds_fast_weights("load_state_dict")
        given = state_dict.copy()
        for before in self._optimizer_load_state_dict_pre_hooks.values():
            changed = before(self, given)
            given = given if changed is None else changed
        self.inner.load_state_dict(given)
        self._fill()
        for after in self._optimizer_load_state_dict_post_hooks.values():
            after(self)

    def __getstate__(self) -> dict[str, Any]:
        """As torch's own, without hooks; torch would also drop what is not its own."""
        self._holds_fast_weights("a copy")
        return {"inner": self.inner, "_settings": self._settings}


def _mix(fast: list[Tensor], slow: list[Tensor], alpha: float) -> None:
    """slow <- (1 - alpha) slow + alpha fast, then fast <- slow.

    On a CPU one tensor after the other, the copy while the tensor is still in the cache; elsewhere all at once.
    """
    if alpha == 1:
        torch._foreach_copy_(slow, fast)
    elif _on_cpu(fast):
        for p, own in zip(fast, slow, strict=True):
            p.copy_(own.lerp_(p, alpha))
    else:
        torch._foreach_lerp_(slow, fast, alpha)
        torch._foreach_copy_(fast, slow)


def _on_cpu(tensors: list[Tensor]) -> bool:
    return all(tensor.is_cpu for tensor in tensors)


def _number(value: object) -> float:
    """The value as a float, NaN if it is no real number (a bool is none)."""
    return float(value) if isinstance(value, numbers.Real) and not isinstance(value, bool) else math.nan
