from .findings import Finding as Finding
from .findings import Report as Report
from .problems import check as check
