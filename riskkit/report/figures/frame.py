"""The axes of a panel, which are measured and drawn in one go."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from unittest import mock

from matplotlib.artist import allow_rasterization
from matplotlib.axes import Axes
from matplotlib.transforms import Bbox


class Frame(Axes):
    """Axes that measure what stands around them once for several layouts, until they are told to forget it.

    What stands around is as far from the axes wherever they lie, and matplotlib's layout asks for it in each of its
    passes. Within one measurement, and within one drawing, ticks stay as they are: they are found once, where
    matplotlib finds them anew for each spine and label that lies beside them.
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
            with self._still():
                whole: Any = super().get_tightbbox(*renderer, for_layout_only=True, **more)
            self._around = (whole.x0 - box.x0, whole.y0 - box.y0, whole.x1 - box.x1, whole.y1 - box.y1)
        left, bottom, right, top = self._around
        return Bbox.from_extents(box.x0 + left, box.y0 + bottom, box.x1 + right, box.y1 + top)

    @allow_rasterization
    def draw(self, renderer: Any) -> None:
        with self._still():
            super().draw(renderer)

    @contextlib.contextmanager
    def _still(self) -> Iterator[None]:
        """Ticks, and the boxes of their labels, are those found first."""
        with contextlib.ExitStack() as stack:
            for axis in (self.xaxis, self.yaxis):
                stack.enter_context(mock.patch.object(axis, "_update_ticks", _Once(axis._update_ticks)))
                boxes = _Once(axis._get_ticklabel_bboxes)
                stack.enter_context(mock.patch.object(axis, "_get_ticklabel_bboxes", boxes))
            yield


class _Once:
    """What a function of no changing argument returns first, whenever it is called."""

    def __init__(self, find: Any) -> None:
        self._find, self._found = find, None

    def __call__(self, *same: Any) -> Any:
        if self._found is None:
            self._found = self._find(*same)
        return self._found
