from .exponent import judge_exponent as judge_exponent
from .identity import judge_identity as judge_identity
from .level import judge_level as judge_level
from .outcome import Outcome as Outcome
from .outcome import Verdict as Verdict
from .outcome import adjust as adjust
from .outcome import not_covered as not_covered
from .rate import judge_rate as judge_rate
