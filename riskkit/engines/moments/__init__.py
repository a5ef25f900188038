"""Exact moments on quadratic losses: how each output answers theta_0, the mean of S and its spread."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
