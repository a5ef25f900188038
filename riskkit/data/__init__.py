"""Finite populations: D is uniform on N rows, so that population risks are finite sums; shipped data, readers."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
