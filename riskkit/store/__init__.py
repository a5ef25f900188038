"""What lies on disk: atomic files, checksummed shards, tables, provenance."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
