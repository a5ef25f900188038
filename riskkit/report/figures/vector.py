"""PDF and SVG from one pass over the artists of a figure, and the extents of text that layout and drawing need.

matplotlib's canvases draw every artist anew for each format. Here a renderer notes what the artists draw, in points,
and what was noted is handed to the renderers of both formats. What an artist asks to be rasterised stays vectors.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, NamedTuple

from matplotlib.backend_bases import FigureCanvasBase, GraphicsContextBase, RendererBase
from matplotlib.backends import backend_pdf, backend_svg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.transforms import Transform, TransformedPath

from riskkit.report.figures.fonts import bare_fonts
from riskkit.report.figures.texts import OUTLINES, POINTS, laid_out_once

PDF: Any = backend_pdf
SVG: Any = backend_svg
"""Without types."""


class Call(NamedTuple):
    """One thing drawn: the renderer's method, the graphics context (a copy; None: it takes none) and the rest."""

    method: str
    context: GraphicsContextBase | None
    values: tuple[Any, ...]
    named: Mapping[str, Any]


class Noting(RendererBase):
    """Measures text, and notes what is drawn where ``calls`` is a list. y grows upwards."""

    def __init__(self) -> None:
        super().__init__()
        self.dpi = float(POINTS)
        self.width = self.height = 1.0
        self.dots = float(POINTS)
        self.calls: list[Call] | None = None

    def get_text_width_height_descent(self, s: str, prop: FontProperties, ismath: Any) -> tuple[float, float, float]:
        width, height, descent = OUTLINES.get_text_width_height_descent(s, prop, ismath)
        scale = self.dpi / POINTS
        return width * scale, height * scale, descent * scale

    def get_canvas_width_height(self) -> tuple[float, float]:
        return self.width, self.height

    def points_to_pixels(self, points: Any) -> Any:
        return points * self.dpi / POINTS

    def flipy(self) -> bool:
        return False

    def get_image_magnification(self) -> float:
        return self.dots / POINTS

    def option_image_nocomposite(self) -> bool:
        return True

    def _note(self, method: str, context: GraphicsContextBase | None, *values: Any, **named: Any) -> None:
        if self.calls is not None:
            fixed = tuple(value.frozen() if isinstance(value, Transform) else value for value in values)
            self.calls.append(Call(method, context and _kept(context), fixed, named))

    def open_group(self, s: str, gid: str | None = None) -> None:
        self._note("open_group", None, s, gid)

    def close_group(self, s: str) -> None:
        self._note("close_group", None, s)

    def draw_path(self, gc: Any, path: Any, transform: Any, rgbFace: Any = None) -> None:
        self._note("draw_path", gc, path, transform, rgbFace)

    def draw_markers(
        self, gc: Any, marker_path: Any, marker_trans: Any, path: Any, trans: Any, rgbFace: Any = None
    ) -> None:
        self._note("draw_markers", gc, marker_path, marker_trans, path, trans, rgbFace)

    def draw_path_collection(self, gc: Any, master_transform: Any, *values: Any, **named: Any) -> None:
        self._note("draw_path_collection", gc, master_transform, *values, **named)

    def draw_gouraud_triangles(self, gc: Any, triangles_array: Any, colors_array: Any, transform: Any) -> None:
        self._note("draw_gouraud_triangles", gc, triangles_array, colors_array, transform)

    def draw_image(self, gc: Any, x: Any, y: Any, im: Any, transform: Any = None) -> None:
        self._note("draw_image", gc, x, y, im, *(() if transform is None else (transform,)))

    def draw_text(
        self, gc: Any, x: Any, y: Any, s: Any, prop: Any, angle: Any, ismath: Any = False, mtext: Any = None
    ) -> None:
        self._note("draw_text", gc, x, y, s, prop, angle, ismath, mtext)

    def draw_tex(self, gc: Any, x: Any, y: Any, s: Any, prop: Any, angle: Any, *, mtext: Any = None) -> None:
        self._note("draw_tex", gc, x, y, s, prop, angle, mtext=mtext)


def _kept(context: GraphicsContextBase) -> GraphicsContextBase:
    """As it is now: artists change theirs, and what clips moves with the figure's dots an inch."""
    kept = GraphicsContextBase()
    kept.copy_properties(context)
    if (box := context.get_clip_rectangle()) is not None:
        kept.set_clip_rectangle(box.frozen())
    path: Any
    place: Any
    path, place = context.get_clip_path()
    if path is not None:
        kept.set_clip_path(TransformedPath(path, place.frozen()))
    return kept


NOTING = Noting()
"""One for the process: matplotlib keeps extents of texts by their renderer."""


class Canvas(FigureCanvasBase):
    """Of a figure whose texts are measured as PDF and SVG have them."""

    def get_renderer(self) -> Noting:
        NOTING.dpi = self.figure.dpi
        NOTING.width, NOTING.height = self.figure.bbox.size
        return NOTING


class Drawing:
    """What a figure that is laid out shows."""

    def __init__(self, figure: Figure) -> None:
        self.width, self.height = figure.get_size_inches()
        self.dots, before = figure.dpi, figure.canvas
        try:
            figure.dpi = POINTS
            renderer = Canvas(figure).get_renderer()
            renderer.dots, renderer.calls = self.dots, []
            with laid_out_once(renderer):
                figure.draw(renderer)
            self.calls = renderer.calls
        finally:
            NOTING.calls, figure.dpi = None, self.dots
            figure.set_canvas(before)

    def _onto(self, renderer: RendererBase, height: float) -> None:
        """Draws all of it. ``height`` of the page in points, for the places of texts where y grows downwards."""
        renderer._text2path = OUTLINES
        for method, context, values, named in self.calls:
            draw = getattr(renderer, method)
            if context is None:
                draw(*values)
                continue
            own = renderer.new_gc()
            own.copy_properties(context)
            if renderer.flipy() and method in ("draw_text", "draw_tex"):
                x, y, *rest = values
                values = (x, height - y, *rest)
            draw(own, *values, **named)
            own.restore()

    def pdf(self, about: Mapping[str, str | None]) -> bytes:
        """As PDF with the metadata given; None leaves an entry out that matplotlib would write."""
        sink = io.BytesIO()
        file = PDF.PdfFile(sink, metadata=dict(about))
        file.newPage(self.width, self.height)
        renderer = PDF.RendererPdf(file, self.dots, self.height, self.width)
        self._onto(renderer, self.height * POINTS)
        renderer.finalize()
        with bare_fonts():
            file.finalize()
        file.close()
        return sink.getvalue()

    def svg(self, about: Mapping[str, str | None]) -> bytes:
        """As SVG, in UTF-8, with the metadata given."""
        sink = io.StringIO()
        width, height = self.width * POINTS, self.height * POINTS
        renderer = SVG.RendererSVG(width, height, sink, image_dpi=self.dots, metadata=dict(about))
        self._onto(renderer, height)
        renderer.finalize()
        return sink.getvalue().encode()
