"""The protocol of a method of one's own."""

from __future__ import annotations

from typing import Any, Protocol

from riskkit.algorithms.staged import Output


class Optimiser(Protocol):
    """A user's own method for the reference engine: an explicit state, advanced one stochastic gradient at a time.

    The state is a tuple of tensors; ``step`` returns a new one, or mutates and returns the given one. Make it a frozen
    dataclass: the class name and the fields identify it. A round is one step (k = 1).
    """

    @property
    def name(self) -> str: ...

    @property
    def steps(self) -> int:
        """Gradients in all."""

    def init(self, theta: Any) -> Any:
        """The state at theta_0, a tensor (R, 1, d)."""

    def query(self, state: Any) -> Any:
        """Where the next gradient is wanted, (R, 1, d)."""

    def step(self, state: Any, gradient: Any, j: int) -> Any:
        """The state after the j-th gradient. Nothing else projects onto Theta: do it here if Theta is a ball."""

    def output(self, state: Any) -> dict[Output, Any]:
        """``last`` and ``average``, each (R, 1, d)."""
