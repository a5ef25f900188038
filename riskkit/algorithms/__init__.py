"""Algorithms: staged lookahead with its special cases, step sizes, and the protocol of a method of one's own."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
