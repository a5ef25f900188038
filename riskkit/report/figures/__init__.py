"""Figures: pages of panels in the house style, and what of a results folder they read."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
