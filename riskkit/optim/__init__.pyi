from .rounds import Lookahead as Lookahead
from .stages import SLRLA as SLRLA
from .table3 import TABLE3 as TABLE3
from .table3 import build as build
