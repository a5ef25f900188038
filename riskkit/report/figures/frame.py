"""The axes of a panel, which are laid out in one go."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.transforms import Bbox


class Frame(Axes):
    """Axes that measure what stands around them once for several layouts, until they are told to forget it.

    What stands around is as far from the axes wherever they lie, and matplotlib's layout asks for it in each of its
    passes.
    """

    def __init__(self, *places: Any, **properties: Any) -> None:
        self._around: tuple[float, float, float, float] | None = None
        super().__init__(*places, **properties)

    def forget(self) -> None:
        """The limits, ticks or size of the axes have changed, or what is written around them."""
        self._around = None

    def get_tightbbox(self, *renderer: Any, for_layout_only: bool = False, **more: Any) -> Any:
        if not for_layout_only:
            return super().get_tightbbox(*renderer, **more)
        box = self.bbox
        if self._around is None:
            whole: Any = super().get_tightbbox(*renderer, for_layout_only=True, **more)
            self._around = (whole.x0 - box.x0, whole.y0 - box.y0, whole.x1 - box.x1, whole.y1 - box.y1)
        left, bottom, right, top = self._around
        return Bbox.from_extents(box.x0 + left, box.y0 + bottom, box.x1 + right, box.y1 + top)
