"""BibTeX of the paper and of the toolkit, as ``references.bib`` and the HTML page give it."""

from importlib.metadata import version

PAPER = """@inproceedings{zhou2021lookahead,
  title     = {Towards Understanding Why Lookahead Generalizes Better Than {SGD} and Beyond},
  author    = {Zhou, Pan and Yan, Hanshu and Yuan, Xiaotong and Feng, Jiashi and Yan, Shuicheng},
  booktitle = {Advances in Neural Information Processing Systems},
  volume    = {34},
  year      = {2021},
}
"""


def toolkit_entry() -> str:
    """BibTeX for riskkit itself, in the version that runs."""
    return f"""@software{{riskkit,
  title   = {{riskkit: theorems on excess risk confronted with exact measurements}},
  author  = {{{{The riskkit authors}}}},
  version = {{{version("riskkit")}}},
  year    = {{2026}},
}}
"""
