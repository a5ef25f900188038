"""A method of one's own: an explicit state, advanced one stochastic gradient at a time."""

from __future__ import annotations

from typing import Any, Protocol

from riskkit.algorithms.staged import Output


class Method(Protocol):
    """A user's own method, which runs on the reference engine; one that has ``scheme()`` on the fused ones as well, as
    has a ``FormulaMethod``, which is written as formulas of one coordinate.

    The state is a tuple of tensors; ``step`` returns a new one, or mutates and returns the given one. Make it a frozen
    dataclass: the class name and the fields identify it. A round is one step. What else it may say of itself
    (``batch``, ``rounds``, ``outputs``, ``shown``, ``scheme``, ...) is in ``riskkit.algorithms.traits``, with
    defaults.
    """

    @property
    def name(self) -> str: ...

    @property
    def steps(self) -> int:
        """Steps in all."""

    def init(self, theta: Any) -> Any:
        """The state at theta_0, a tensor (R, 1, d)."""

    def query(self, state: Any) -> Any:
        """Where the next gradient is wanted, (R, 1, d)."""

    def step(self, state: Any, gradient: Any, j: int) -> Any:
        """The state after the j-th gradient. Nothing else projects onto Theta: do it here if Theta is a ball."""

    def output(self, state: Any) -> dict[Output, Any]:
        """``last`` and ``average``, each (R, 1, d); or those that ``outputs``, a tuple of names, says that it has."""
