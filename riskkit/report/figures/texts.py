"""Texts of figures: each is parsed, shaped and laid out once in a process, whatever page and format it stands in.

matplotlib measures every text anew in each format, parses its mathematics anew, and lays out a label of a tick
whenever something asks how far it reaches. A text has here one size, that of ``TextToPath``, and any other is that,
scaled: extents without hinting, as PDF and SVG have them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from unittest import mock

from matplotlib.font_manager import FontProperties
from matplotlib.mathtext import MathTextParser
from matplotlib.text import Text
from matplotlib.textpath import TextToPath

POINTS = 72
"""Dots an inch of PDF and SVG."""


class Mathematics:
    """Parses a text once, at the size of ``TextToPath``; any other size is that, scaled."""

    def __init__(self) -> None:
        self._parser: Any = MathTextParser("path")
        self._parsed: dict[tuple[str, FontProperties], Any] = {}

    def parse(self, s: str, dpi: float = POINTS, prop: FontProperties | None = None, **options: Any) -> Any:
        """Width, height, depth, glyphs and boxes, as matplotlib's own parser gives them."""
        face = FontProperties() if prop is None else prop.copy()
        size = face.get_size_in_points() * dpi / POINTS
        face.set_size(TextToPath.FONT_SCALE)
        if (whole := self._parsed.get((s, face))) is None:
            whole = self._parsed[s, face] = self._parser.parse(s, POINTS, face, **options)
        scale = size / TextToPath.FONT_SCALE
        if scale == 1:
            return whole
        return whole._replace(
            width=whole.width * scale,
            height=whole.height * scale,
            depth=whole.depth * scale,
            # The font and its size; codes of the glyph; its place.
            glyphs=[(font, em * scale, *codes, x * scale, y * scale) for font, em, *codes, x, y in whole.glyphs],
            rects=[tuple(length * scale for length in box) for box in whole.rects],
        )


class Outlines(TextToPath):
    """Outlines of texts, shaped once."""

    def __init__(self) -> None:
        super().__init__()
        self.mathtext_parser: Any = Mathematics()
        self._shaped: dict[tuple[Any, ...], Any] = {}
        self._measured: dict[tuple[str, FontProperties, Any], tuple[float, float, float]] = {}

    def get_text_width_height_descent(self, s: str, prop: FontProperties, ismath: Any) -> tuple[float, float, float]:
        """In points."""
        if (found := self._measured.get((s, prop, ismath))) is None:
            found = super().get_text_width_height_descent(s, prop, ismath)
            self._measured[s, prop.copy(), ismath] = found
        return found

    def get_glyphs_with_font(
        self, font: Any, s: str, glyph_map: Any = None, return_new_glyphs_only: bool = False, **how: Any
    ) -> Any:
        """Glyphs and their places, the outlines of those that are not in ``glyph_map``, and no boxes."""
        key = (font, s, *((name, str(value)) for name, value in how.items()))
        if (shaped := self._shaped.get(key)) is None:
            shaped = self._shaped[key] = super().get_glyphs_with_font(font, s, **how)
        placed, outlines, boxes = shaped
        known = {} if glyph_map is None else glyph_map
        found = {name: outline for name, outline in outlines.items() if name not in known}
        if not return_new_glyphs_only:
            known.update(found)
        return placed, found if return_new_glyphs_only else known, boxes


OUTLINES: Any = Outlines()

_lay_out: Any = Text._get_layout  # type: ignore[attr-defined]
_laid_out: dict[tuple[Any, ...], Any] = {}


@contextlib.contextmanager
def laid_out_once(renderer: Any) -> Iterator[None]:
    """What a text is for this renderer, its lines' places and how far they reach, is found once for all texts of the
    same words and looks."""

    def layout(text: Any, by: Any) -> Any:
        if by is not renderer or text.get_wrap() or text.get_transform_rotates_text() or text.get_usetex():
            return _lay_out(text, by)
        key = (
            *(text.get_text(), text.get_fontproperties().copy(), text.get_parse_math(), text.get_linespacing()),
            *(text.get_rotation(), text.get_rotation_mode(), text.get_horizontalalignment()),
            *(text.get_verticalalignment(), text._get_multialignment(), text.figure.dpi, by),
        )
        if (found := _laid_out.get(key)) is None:
            found = _laid_out[key] = _lay_out(text, by)
        return found

    with mock.patch.object(Text, "_get_layout", layout):
        yield
