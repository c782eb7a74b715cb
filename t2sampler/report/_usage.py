"""Tokens and cost of each role of a team of language models."""

import numpy as np
import pandas as pd

from t2sampler._figures import COLORS
from t2sampler.report._display import Display, NothingToShowError, write_name
from t2sampler.report._words import count


class UsageDisplay(Display):
    """Tokens of each role of a team of language models, with its calls and cost.

    Parameters
    ----------
    usage : DataFrame
        ``report_.usage``: a row per role.

    Attributes
    ----------
    figure_ : matplotlib Figure
    axes_ : ndarray of matplotlib Axes

    Examples
    --------
    >>> import pandas as pd
    >>> from t2sampler import TeamThenTrimSampler
    >>> from t2sampler.generators import LLMTeam
    >>> from t2sampler.report import UsageDisplay
    >>> from t2sampler.testing import ScriptedChat, answer_competently
    >>> X = pd.DataFrame({"age": [31, 47, 52, 28, 60, 44], "sex": list("FMMFMF")})
    >>> team = LLMTeam(ScriptedChat(answer_competently), store=False)
    >>> sampler = TeamThenTrimSampler(team, cost="passthrough", random_state=0)
    >>> _ = sampler.fit_resample(X, [0, 0, 0, 0, 1, 1])
    >>> list(UsageDisplay.from_sampler(sampler).usage.index)
    ['worker']
    """

    def __init__(self, usage):
        self.usage = usage

    @classmethod
    def from_report(cls, report):
        """Return the display of a run.

        Parameters
        ----------
        report : RunReport

        Returns
        -------
        display : UsageDisplay
        """
        if report.usage.empty:
            raise NothingToShowError("No language model was asked.")
        return cls(report.usage)

    @property
    def panel_size(self):
        """Inches of the panel on a page."""
        return 4.6, 1.2 + 0.5 * len(self.usage)

    def _draw(self, panel, ax):
        usage, places = self.usage, np.arange(len(self.usage))
        left = np.zeros(len(usage))
        for name, color in (("input", COLORS["real"]), ("output", COLORS["new"])):
            tokens = usage[f"{name}_tokens"].to_numpy(dtype=float)
            ax.barh(places, tokens, 0.6, left, color=color, label=f"{name} tokens")
            left += tokens
        ax.set_yticks(places, [_name_role(role) for role in usage.itertuples()])
        ax.invert_yaxis()
        ax.locator_params(axis="x", nbins=4)
        ax.xaxis.set_major_formatter(lambda tokens, _: f"{tokens:,.0f}")
        ax.legend(loc="upper center", bbox_to_anchor=(0.4, -0.25), ncols=2)


def _name_role(role):
    """Return a role, its calls and its cost, as far as there are prices."""
    cost = "" if pd.isna(role.cost) else f", cost {role.cost:.3g}"
    return f"{write_name(role.Index)}\n{count(role.calls, 'call')}{cost}"
