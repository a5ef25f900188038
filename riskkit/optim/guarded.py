"""AdaBound and AdaBelief of pytorch_optimizer 4.1, guarded against what is lost there.

torch's copies and pickles of an optimizer keep groups, state and defaults alone. Both classes keep options elsewhere,
so a copy raises AttributeError at its first step. AdaBound also keeps a list of the step sizes at construction, to
which its bounds are relative. A group added later is not in that list (IndexError). A checkpoint lacks the list, so an
optimizer rebuilt with another lr has other bounds.
"""

from __future__ import annotations

from typing import Any

import pytorch_optimizer

BASE = "base_lr"
"""Key of a group: its lr before any scheduler."""


class AdaBelief(pytorch_optimizer.AdaBelief):  # type: ignore[misc]
    """AdaBelief, also after a copy or a pickle."""

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), **_options(self)}


class AdaBound(pytorch_optimizer.AdaBound):  # type: ignore[misc]
    """AdaBound whose ``base_lrs`` lie in its groups: in checkpoints, in copies, and for groups added later."""

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), **_options(self)}

    @property
    def base_lrs(self) -> list[float]:
        """The groups' lr before any scheduler; while that is 0, the first lr above 0."""
        for group in self.param_groups:
            if not group.get(BASE):
                group[BASE] = group["lr"]
        return [group[BASE] for group in self.param_groups]

    @base_lrs.setter
    def base_lrs(self, values: list[float]) -> None:
        for group, value in zip(self.param_groups, values, strict=True):
            group[BASE] = value

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        super().add_param_group(param_group)
        added = self.param_groups[-1]
        added.setdefault(BASE, added["lr"])


def _options(optimizer: Any) -> dict[str, Any]:
    """What the class keeps beside torch's attributes: plain numbers and switches."""
    return {
        name: value
        for name, value in vars(optimizer).items()
        if not name.startswith("_") and (value is None or isinstance(value, bool | int | float))
    }
