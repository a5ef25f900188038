"""Torch optimizers: Lookahead and SLRLA around any optimizer, and those of the paper's Table 3."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
