"""Figures, tables and the HTML page, from what is stored.

``__init__.pyi`` lists what is public. A name is imported on first use: only what draws loads matplotlib.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
