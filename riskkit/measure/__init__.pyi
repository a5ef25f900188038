from .blocks import block_size as block_size
from .blocks import measure_block as measure_block
from .expectation import expectations as expectations
from .quantities import DATASET as DATASET
from .quantities import QUANTITIES as QUANTITIES
from .quantities import Measured as Measured
from .simulation import Measurement as Measurement
from .simulation import simulate as simulate
