"""Outcomes and their sentences: what the measurements say of bounds, rates, exact values, counts, comparisons."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
