"""Fonts as a PDF needs them: outlines and widths, without what a text editor would ask for."""

from __future__ import annotations

import contextlib
import functools
import io
import string
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from unittest import mock

import matplotlib as mpl
from fontTools import subset
from fontTools.ttLib import TTFont
from matplotlib.backends import _backend_pdf_ps
from matplotlib.font_manager import get_font

GLYPHS: Any = _backend_pdf_ps
"""Without types."""
UNUSED = {"GSUB", "GPOS", "GDEF", "FFTM", "name", "OS/2", "gasp", "kern"}
"""Tables that no PDF reader looks at: each glyph is placed by the page."""
NUMBERED = mpl.__version_info__ >= (3, 11)
"""Whether matplotlib asks for glyphs by their numbers; earlier versions ask for characters."""
if NUMBERED:
    UNUSED |= {"cmap", "post"}


@functools.cache
def _without(path: str) -> bytes:
    # As of the font itself: equal pages have equal bytes.
    with TTFont(path, recalcTimestamp=False, recalcBBoxes=False) as font, io.BytesIO() as sink:
        for table in UNUSED.intersection(font.keys()):
            del font[table]
        font.save(sink, reorderTables=False)
        return sink.getvalue()


class _Few(NamedTuple):
    """A font reduced to the glyphs that pages have asked for so far, and their numbers in it."""

    font: bytes
    places: Mapping[int, int]


_few: dict[str, _Few] = {}


@contextlib.contextmanager
def bare_fonts() -> Iterator[None]:
    """Fonts that matplotlib reduces to the glyphs of a page are loaded without the tables that it would reduce, too,
    and, once they have been, with few glyphs more than the page's, both of which take most of the time. What is left
    has the same bytes."""
    load, reduced = subset.load_font, GLYPHS.get_glyphs_subset

    def bare(file: Any, options: Any, **more: Any) -> Any:
        return load(io.BytesIO(_without(file)) if _single(file) else file, options, **more)

    @contextlib.contextmanager
    def from_few(file: Any, glyphs: Iterable[int]) -> Iterator[Any]:
        wanted = set(glyphs)
        few = _few.get(file)
        if few is None or not wanted <= few.places.keys():
            letters = {get_font(file).get_char_index(ord(letter)) for letter in string.printable}
            with reduced(file, wanted | (letters if few is None else few.places.keys())) as found:
                few = _few[file] = _Few(GLYPHS.font_as_file(found.font).getvalue(), found.glyph_index_map)
        with mock.patch.object(subset, "load_font", lambda _, *how, **more: load(io.BytesIO(few.font), *how, **more)):
            one = reduced(file, {few.places[glyph] for glyph in wanted})
        with one as found:
            yield found._replace(glyph_index_map={g: found.glyph_index_map[few.places[g]] for g in wanted})

    def get_glyphs_subset(file: Any, glyphs: Iterable[Any]) -> Any:
        return from_few(file, glyphs) if NUMBERED and _single(file) else reduced(file, glyphs)

    with (
        mock.patch.object(subset, "load_font", bare),
        mock.patch.object(GLYPHS, "get_glyphs_subset", get_glyphs_subset),
    ):
        yield


def _single(file: Any) -> bool:
    return isinstance(file, str) and file.lower().endswith(".ttf")
