"""`Comparison`: the scores of all arms and the verdict, as text, page and figure."""

import textwrap
import warnings
from dataclasses import dataclass
from html import escape
from pathlib import Path

import pandas as pd

from t2sampler._figures import COLORS, draw_svg, new_axes
from t2sampler._pages import render_document, to_table
from t2sampler._storage import write_text
from t2sampler.comparison._arms import FREE
from t2sampler.comparison._outcomes import ALL
from t2sampler.comparison._scores import LOWER_IS_BETTER, TITLES, TUNED
from t2sampler.comparison._verdict import describe_outcome
from t2sampler.exceptions import T2SamplerWarning

PAGE_SUFFIXES = (".html", ".htm")
WIDTH = 88  # characters of a printed line
NAME_WIDTH = 25
LABEL_WIDTH = 44  # of a line beside the figure
SHORT = {
    "roc_auc": "ROC AUC",
    "average_precision": "avg prec",
    "balanced_accuracy": "bal acc",
    TUNED: "tuned",
    "brier_score": "Brier",
    "log_loss": "log loss",
}
LEGEND = [
    "vs nothing: the first score less that of nothing, ± half of the 95% interval of",
    "this arm alone; of many arms, one in twenty without a gain is outside by chance.",
    "tuned: balanced accuracy at a threshold tuned on other rows of the test fold, for",
    'all arms alike; the arm "tuned threshold" tunes its own on the training rows.',
    "Brier, log loss: lower is better.",
]


@dataclass(frozen=True, repr=False)
class Comparison:
    """What `compare` found; print it, or show it in a notebook.

    Attributes
    ----------
    scores : DataFrame
        A row per repeat, fold, learner, arm and score, with its ``value``. Brier score
        and log loss are better when lower, the others when higher.
    differences : DataFrame
        A row per learner, arm and score: ``mean`` over folds of the arm less "nothing",
        its 95% interval from ``low`` to ``high``, and ``p``, not adjusted for the
        number of arms.
    outcomes : DataFrame
        What the verdict rests on: a row per learner and sampler, those of the mean over
        "all learners" first. ``outcome`` is "helps", "no more than free", "no
        difference", "hurts" or "no row added" (in any fold); ``mean``, ``low`` and
        ``high`` are the difference from nothing, positive where better, ``p`` its
        p-value after Holm; a difference of ``smallest`` would be seen four times in
        five. ``free`` is the best free arm, ``free_mean``, ``free_low`` and
        ``free_high`` the difference from it, and ``free_p`` the adjusted p-value of
        beating all free arms.
    verdict : str
        The answer in words.
    scoring : str
        The score that the verdict rests on.
    n_rows : int
    notes : tuple of str
        What a reader should know: arms that could not run, fewer folds.
    """

    scores: pd.DataFrame
    differences: pd.DataFrame
    outcomes: pd.DataFrame
    verdict: str
    scoring: str
    n_rows: int
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = []
        for paragraph in self.verdict.split("\n\n"):
            lines += [*textwrap.wrap(paragraph, WIDTH), ""]
        lines += [*self._print_table(), "", *LEGEND]
        for line in [*self._list_learners(), *self.notes]:
            lines += ["", *textwrap.wrap(line, WIDTH)]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Return the verdict and the table as an HTML fragment, for notebooks."""
        return (
            f"<div class='t2sampler'>{self._write_words()}{self._write_scores()}</div>"
        )

    def _write_words(self):
        """Return the verdict and the notes as HTML."""
        lines = [*self._list_learners(), *self.notes]
        items = "".join(f"<li>{escape(line)}</li>" for line in lines)
        items = f"<ul>{items}</ul>" if items else ""
        said = ""
        for paragraph in self.verdict.split("\n\n"):
            first, dot, rest = paragraph.partition(". ")
            said += f"<p><strong>{escape(first + dot)}</strong>{escape(rest)}</p>"
        return said + items

    def _write_scores(self):
        """Return the scores as HTML."""
        return to_table(self._make_table().rename_axis([None, None]))

    def save(self, path, title="Does over-sampling help?"):
        """Write an HTML page with the verdict, the figure and the scores.

        Parameters
        ----------
        path : str or path-like
            File to write; one that exists is replaced.
        title : str, default="Does over-sampling help?"

        Raises
        ------
        ValueError
            The file's name does not end in .html or .htm.

        Warns
        -----
        T2SamplerWarning
            matplotlib is not installed, so that the page has no figure.
        """
        if Path(path).suffix.lower() not in PAGE_SUFFIXES:
            raise ValueError(
                f"`path` must end in {' or '.join(PAGE_SUFFIXES)}, got {str(path)!r}."
            )
        folds = len(self.scores[["repeat", "fold"]].drop_duplicates())
        body = (
            f"{self._write_words()}{self._write_figure()}{self._write_scores()}"
            f"<p>{' '.join(LEGEND)}</p>"
        )
        lead = (
            f"{self.n_rows:,} rows, {folds} folds; every score is of real rows that "
            "neither model nor sampler has seen."
        )
        write_text(render_document(title, body, lead), Path(path))

    def _write_figure(self):
        """Return the figure as HTML, or why there is none."""
        try:
            figure = draw_svg(
                lambda figure: self.plot(figure.subplots()),
                name="differences",
                height=1.2 + 0.24 * len(self._find_intervals()),
            )
        except ImportError as error:
            warnings.warn(f"The page has no figure. {error}", T2SamplerWarning, 3)
            return f"<p>{escape(str(error))}</p>"
        caption = (
            f"{TITLES[self.scoring]} less that of nothing, with 95% intervals of each "
            "arm alone; orange: samplers, blue: what is free."
        )
        return f"<figure>{figure}<figcaption>{caption}</figcaption></figure>"

    def plot(self, ax=None):
        """Draw each arm's difference from nothing, with its 95% interval.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None: new ones.

        Returns
        -------
        ax : matplotlib Axes

        Raises
        ------
        ImportError
            matplotlib is not installed.
        """
        ax = new_axes() if ax is None else ax
        found = self._find_intervals()
        places = range(len(found))
        for place, row in zip(places, found.itertuples(), strict=True):
            color = COLORS["real" if row.arm in FREE else "new"]
            ax.plot([row.low, row.high], [place, place], color=color)
            ax.plot(row.mean, place, "o", color=color)
        ax.axvline(0, color=COLORS["trimmed"], linewidth=1)
        is_alone = found["learner"].nunique() == 1
        names = [
            textwrap.fill(
                row.arm if is_alone else f"{row.learner}: {row.arm}",
                LABEL_WIDTH,
                max_lines=2,
                placeholder="…",
            )
            for row in found.itertuples()
        ]
        ax.set_yticks(list(places), names, parse_math=False)  # `$` is no formula
        ax.invert_yaxis()
        ax.locator_params(axis="x", nbins=5)
        better = "left" if self.scoring in LOWER_IS_BETTER else "right"
        ax.set_xlabel(f"{TITLES[self.scoring]} less that of nothing ({better}: better)")
        return ax

    def _find_intervals(self):
        """Return the differences of the primary score, in the order of the tables."""
        return self.differences[self.differences["score"] == self.scoring]

    def _list_learners(self):
        """Return a line per learner and sampler, where there are several learners."""
        rows = self.outcomes[self.outcomes["learner"] != ALL]
        if len(rows) == len(self.outcomes):
            return []
        return [describe_outcome(row, self.scoring) for row in rows.itertuples()]

    def _make_table(self):
        """Return mean scores as text: a row per learner and arm, the primary first."""
        means = self.scores.pivot_table(
            "value", ["learner", "arm"], "score", sort=False
        )
        names = [self.scoring, *(name for name in TITLES if name != self.scoring)]
        table = pd.DataFrame(index=means.index)
        for name in [name for name in names if name in means]:
            table[SHORT[name]] = means[name].map("{:.3f}".format, "ignore").fillna("")
            if name == self.scoring:
                found = self._find_intervals().set_index(["learner", "arm"])
                half = (found["high"] - found["low"]) / 2
                mean = found["mean"].round(3) + 0.0  # no minus before a zero
                beside = mean.map("{:+.3f}".format) + half.map(" ± {:.3f}".format)
                table["vs nothing"] = beside.reindex(table.index, fill_value="")
        return table

    def _print_table(self):
        """Return the table as lines: a block per learner."""
        table = self._make_table()
        widths = [max(6, len(name) + 1) for name in table]
        widths[1] = 15
        lines = [_line("", table.columns, widths)]
        for learner, block in table.groupby(level="learner", sort=False):
            lines.append(learner)
            lines += [
                _line(f"  {arm}", cells, widths)
                for (_, arm), cells in zip(block.index, block.to_numpy(), strict=True)
            ]
        return lines


def _line(name, cells, widths):
    """Return one line of a table; a long name is cut."""
    name = name if len(name) <= NAME_WIDTH else f"{name[: NAME_WIDTH - 1]}…"
    pairs = zip(cells, widths, strict=True)
    return f"{name:<{NAME_WIDTH}}" + "".join(
        f"{cell:>{width}}" for cell, width in pairs
    )
