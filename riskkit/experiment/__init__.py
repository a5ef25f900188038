"""The question: grids, algorithms and bounds become cells and runs; and the study that asks it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
