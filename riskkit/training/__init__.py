"""Networks trained on samples of a finite population, many at once: any module, elementwise optimizers, exact risks."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
