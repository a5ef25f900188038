"""Fonts as a PDF needs them: outlines and widths, without what a text editor would ask for."""

from __future__ import annotations

import contextlib
import functools
import io
from collections.abc import Iterator
from typing import Any
from unittest import mock

import matplotlib as mpl
from fontTools import subset
from fontTools.ttLib import TTFont

UNUSED = {"GSUB", "GPOS", "GDEF", "FFTM", "name", "OS/2", "gasp", "kern"}
"""Tables that no PDF reader looks at: each glyph is placed by the page."""
if mpl.__version_info__ >= (3, 11):  # earlier versions ask for characters, not for glyphs
    UNUSED |= {"cmap", "post"}


@functools.cache
def _without(path: str) -> bytes:
    # As of the font itself: equal pages have equal bytes.
    with TTFont(path, recalcTimestamp=False, recalcBBoxes=False) as font, io.BytesIO() as sink:
        for table in UNUSED.intersection(font.keys()):
            del font[table]
        font.save(sink, reorderTables=False)
        return sink.getvalue()


@contextlib.contextmanager
def bare_fonts() -> Iterator[None]:
    """Fonts that matplotlib reduces to the glyphs of a page are loaded without the tables that it would reduce, too,
    which takes most of the time."""
    load = subset.load_font

    def bare(file: Any, options: Any, **more: Any) -> Any:
        single = isinstance(file, str) and file.lower().endswith(".ttf")
        return load(io.BytesIO(_without(file)) if single else file, options, **more)

    with mock.patch.object(subset, "load_font", bare):
        yield
