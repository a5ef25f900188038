"""The axes of a panel, which are measured and drawn in one go."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import Any

from matplotlib.axes import Axes
from matplotlib.axis import Axis, XAxis, YAxis
from matplotlib.transforms import Bbox


class _Steady(Axis):
    """An axis whose ticks are found once while nothing changes, where matplotlib finds them anew for each spine and
    label beside them; each is a copy of its first one, where matplotlib makes five artists and gives them the looks of
    the first one's."""

    _found: dict[str, Any] | None = None

    def _update_ticks(self) -> Any:
        return self._once("ticks", super()._update_ticks)  # type: ignore[misc]

    def _get_ticklabel_bboxes(self, *drawn: Any) -> Any:
        return self._once("boxes", super()._get_ticklabel_bboxes, *drawn)  # type: ignore[misc]

    def _once(self, name: str, find: Any, *what: Any) -> Any:
        if self._found is None:
            return find(*what)
        if name not in self._found:
            self._found[name] = find(*what)
        return self._found[name]

    @contextlib.contextmanager
    def still(self) -> Iterator[None]:
        """Nothing changes meanwhile."""
        self._found = {}
        try:
            yield
        finally:
            self._found = None

    def _get_tick(self, major: bool) -> Any:
        first = vars(self).get("majorTicks" if major else "minorTicks")
        return _copied(first[0]) if first else super()._get_tick(major)  # type: ignore[misc]

    def _copy_tick_props(self, src: Any, dest: Any) -> None:
        """A copy has them."""


def _copied(tick: Any) -> Any:
    made = copy.copy(tick)
    for name in ("tick1line", "tick2line", "gridline", "label1", "label2"):
        part = copy.copy(getattr(tick, name))
        setattr(made, name, part)
        if name.startswith("label"):
            part.set_fontproperties(part.get_fontproperties().copy())
    return made


class _X(_Steady, XAxis):
    """Horizontal."""


class _Y(_Steady, YAxis):
    """Vertical."""


class Frame(Axes):
    """Axes that measure what stands around them once for several layouts, until they are told to forget it.

    What stands around is as far from the axes wherever they lie, and matplotlib's layout asks for it in each of its
    passes. Within one measurement, and within one drawing, ticks stay as they are.
    """

    def __init__(self, *places: Any, **properties: Any) -> None:
        self._around: tuple[float, float, float, float] | None = None
        super().__init__(*places, **properties)

    def _init_axis(self) -> None:
        super()._init_axis()  # type: ignore[misc]
        self.xaxis.__class__, self.yaxis.__class__ = _X, _Y

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

    def draw(self, renderer: Any) -> None:
        with self._still():
            super().draw(renderer)

    draw._supports_rasterization = True  # type: ignore[attr-defined]  # as Axes.draw, which it calls

    @contextlib.contextmanager
    def _still(self) -> Iterator[None]:
        axes: list[Any] = [self.xaxis, self.yaxis]
        with axes[0].still(), axes[1].still():
            yield
