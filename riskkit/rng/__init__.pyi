from .streams import Stream as Stream
