"""Networks for images, trained on a training set and tested on a test sample, as published tables report them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
