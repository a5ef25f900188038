from .anything import check as check
from .bounds import check_bound as check_bound
from .claims import Claim as Claim
from .findings import Finding as Finding
from .findings import Report as Report
from .methods import check_method as check_method
from .schedules import check_schedule as check_schedule
from .torch_optimisers import check_optimiser as check_optimiser
