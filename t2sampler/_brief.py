"""Records in a terminal: by their fields, of which arrays and tables by their sizes."""

import textwrap
from dataclasses import fields
from typing import Any

WIDTH = 88
MAX_FIELDS, MAX_TEXT = 8, 60  # of a dict, and of a value in it


class BriefRepr:
    """Give a dataclass (of ``repr=False``) a repr of a few lines, whatever it holds.

    Examples
    --------
    >>> import numpy as np
    >>> from t2sampler.filters import Verdict
    >>> Verdict(np.array([True, False, True]), np.array(["", "age < 0", ""], object))
    Verdict(keep=<2 of 3 True>, reasons=<3 object>, scores={}, accepted=<0 of 0 True>,
        stats=<0 x 0 DataFrame>, twins={}, notes=())
    """

    def __repr__(self) -> str:
        shown = (f"{f.name}={brief(getattr(self, f.name))}" for f in fields(self))  # type: ignore[arg-type]
        return fill(f"{type(self).__name__}({', '.join(shown)})", indent="    ")


def brief(value: Any) -> str:
    """Return a value in some words.

    Examples
    --------
    >>> brief(0.123456), brief({"a": 1 / 3}), brief(tuple(range(99)))
    ('0.1235', "{'a': 0.3333}", '<99 in a tuple>')
    """
    if hasattr(value, "shape") and hasattr(value, "__len__"):
        return _brief_array(value)
    if isinstance(value, dict) and len(value) <= MAX_FIELDS:
        return f"{{{', '.join(f'{k!r}: {brief(v)}' for k, v in value.items())}}}"
    text = f"{value:.4g}" if isinstance(value, float) else repr(value)
    if len(text) <= MAX_TEXT:
        return text
    is_many = isinstance(value, tuple | list | dict)
    kind = type(value).__name__
    return f"<{len(value)} in a {kind}>" if is_many else f"{text[: MAX_TEXT - 3]}..."


def _brief_array(values: Any) -> str:
    if len(values.shape) == 1 and values.dtype == bool:
        return f"<{int(values.sum())} of {len(values)} True>"
    size = " x ".join(map(str, values.shape))
    kind = values.dtype if len(values.shape) == 1 else type(values).__name__
    return f"<{size} {kind}>"


def fill(text: str, indent: str = "") -> str:
    """Return text in lines of at most 88 characters; lines that are shorter stay."""
    lines = []
    for line in text.splitlines():
        own = line[: len(line) - len(line.lstrip())] + indent
        wrapped = textwrap.wrap(
            line,
            WIDTH,
            subsequent_indent=own,
            break_long_words=False,
            break_on_hyphens=False,
        )
        lines += wrapped or [""]
    return "\n".join(lines)
