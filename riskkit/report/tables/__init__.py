"""Tables: their content, LaTeX and Markdown, and the bibliography."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
