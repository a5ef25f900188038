from .data import Data as Data
from .finding import Comparison as Comparison
from .finding import Finding as Finding
from .findings import Found as Found
from .findings import find as find
from .findings import judge as judge
