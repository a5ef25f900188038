from .tasks import Request as Request
