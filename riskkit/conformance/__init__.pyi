from .claims import Claim as Claim
from .findings import Finding as Finding
from .findings import Report as Report
from .problems import check as check
from .torch_optimisers import check_optimiser as check_optimiser
