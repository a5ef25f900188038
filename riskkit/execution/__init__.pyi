from .direct import Result as Result
from .direct import run as run
from .tasks import Request as Request
