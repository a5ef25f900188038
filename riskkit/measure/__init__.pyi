from .decomposition import Measured as Measured
from .decomposition import Measurement as Measurement
from .decomposition import measure_block as measure_block
from .decomposition import simulate as simulate
