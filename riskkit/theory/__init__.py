"""Bounds: what one is, hypotheses, recursions, exact moments; then one module or folder for each source."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
