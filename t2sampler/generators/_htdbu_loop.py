"""The feedback loop of H-TDBU: refit the texture, or relax a rule, or leave off."""

from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import train_test_split

from t2sampler._records import Request
from t2sampler.exceptions import GeneratorError
from t2sampler.generators._htdbu_texture import draw_together
from t2sampler.metrics import cross_modal_distance, train_on_synthetic_test_on_real
from t2sampler.team._skeleton import RuledTable, obey, relax_rule

HELD_OUT, MIN_HELD_OUT, MAX_HELD_OUT = 0.25, 25, 5000
MIN_PER_CLASS = 8  # real rows, so that two of them are held out
MAX_TSTR_LOSS, MAX_XMODAL_EXCESS = 0.02, 0.02
MAX_BROKEN = 0.01  # of the held-out rows may break a rule that is in force
MAX_PAIRS = 10  # of the label and a column of a rule
MAX_DRAWN = 10_000
TOO_FEW = (
    "Feedback: too few real rows of a class to hold some out; nothing was measured."
)
STOP, REFIT, RELAX = "stop", "refit", "relax"


class Feedback:
    """Choose rules and setting by rows that were held out, round by round.

    Parameters
    ----------
    table : RuledTable
    make_writer : callable
        From a table, rules and a setting to what draws rows.
    settings : list of dict
        Of the texture.
    free : set of str
        Where rules are from that may be relaxed.

    Attributes
    ----------
    notes : list of str
        A sentence per round.
    """

    def __init__(self, table, make_writer, settings, free):
        self._table, self._make_writer = table, make_writer
        self._settings, self._free, self.notes = settings, free, []

    def run(self, rules, max_rounds):
        """Return the rules that stay, and the best setting.

        Parameters
        ----------
        rules : list of (origin, rule)
        max_rounds : int
        """
        masks = split_rows(self._table.rows) if max_rounds else None
        if masks is None:
            self.notes += [TOO_FEW] if max_rounds else []
            return rules, self._settings[0]
        parts = [self._table.rows.take(mask) for mask in masks]
        tried, left = [], list(self._settings)
        for number in range(1, max_rounds + 1):
            title = f"Feedback, round {number} ({_spell(left[0])})"
            found = self._measure(*parts, [rule for _, rule in rules], left[0])
            if found is None:
                self.notes.append(
                    f"{title}: no row that obeys the rules could be drawn."
                )
                break
            is_free = [origin in self._free for origin, _ in rules]
            action, why = decide(found, is_free)
            penalty = -np.inf if action == STOP else found.penalty
            tried.append((penalty, len(tried), left[0]))
            relaxed = self._relax(rules, found.broken) if action == RELAX else rules
            following = left[1:] if action == REFIT else []
            done = _tell(action, following)
            self.notes.append(f"{title}: {found}. {why}: {done}.")
            if relaxed != rules:  # what was measured is of other rules
                rules, tried = relaxed, []
            elif not following:
                break
            left = following or left
        return rules, self._choose(tried, left[0])

    def _choose(self, tried, last):
        """Return the best of the settings that were tried."""
        best = min(tried)[-1] if tried else last
        if best != last:
            self.notes[-1] += f" The best one is used, {_spell(best)}."
        return best

    def _measure(self, real, held_out, rules, setting):
        """Fit on real rows, draw as many, and compare; None where none is drawn."""
        table = RuledTable(real)
        try:
            writer = self._make_writer(table, rules, setting)
        except GeneratorError:  # those of a class that obey may all be held out
            return None
        n_rows = min(len(real), MAX_DRAWN)
        request = Request(0, n_rows, None, np.random.default_rng(0))
        batch = next(draw_together(writer, table, [request], lambda _: None))
        if batch.X.empty:
            return None
        names = [table.schema.names[j] for j in sorted(writer.tied)]
        parts = [(rows.frame, rows.target) for rows in (held_out, real)]
        return measure(table, [*parts, (batch.X, batch.y)], names, rules)

    def _relax(self, rules, broken):
        """Return rules, of which those that held-out rows break are wider, or gone."""
        relaxed = []
        for (origin, rule), share in zip(rules, broken, strict=True):
            is_wrong = share > MAX_BROKEN and origin in self._free
            wider = relax_rule(rule, self._table.frame) if is_wrong else rule
            relaxed += [] if wider is None else [(origin, wider)]
        return relaxed


@dataclass(frozen=True)
class Measured:
    """How far drawn rows are from held-out real ones.

    Attributes
    ----------
    tstr, tstr_real : float
        AUC on held-out rows of logistic regression fitted on drawn, on real rows.
    error : float
        Standard error of such an AUC.
    xmodal, xmodal_real : float
        Largest total variation of label and a column that rules read, of drawn and of
        real rows.
    broken : tuple of float
        Share of the held-out rows that breaks each rule.
    """

    tstr: float
    tstr_real: float
    error: float
    xmodal: float
    xmodal_real: float
    broken: tuple = ()

    @property
    def loss(self):
        return self.tstr_real - self.tstr

    @property
    def excess(self):
        return self.xmodal - self.xmodal_real

    @property
    def penalty(self):
        """What the best setting has least of."""
        return self.loss + max(0.0, self.excess)

    def __str__(self):
        return (
            f"TSTR {self.tstr:.3f} (real rows {self.tstr_real:.3f}), XModal "
            f"{self.xmodal:.3f} (real rows {self.xmodal_real:.3f})"
        )


def decide(measured, is_free):
    """Return what is to be done, by fixed thresholds, and why.

    1. XModal is too large if it exceeds that of real rows by more than 0.02. Rows that
       break a rule are missing among those drawn, which alone moves the joint
       distribution by their share: if more than 1 % of the held-out rows break a rule
       that is free, it is to be relaxed, else the texture to be fitted with another
       setting.
    2. Else TSTR is too small if it is below that of real rows by more than 0.02 and by
       more than one standard error of the AUC: the texture is to be refitted.

    Parameters
    ----------
    measured : Measured
    is_free : sequence of bool
        Which rules may be relaxed.

    Examples
    --------
    >>> strict = Measured(0.9, 0.9, 0.01, xmodal=0.15, xmodal_real=0.01, broken=(0.12,))
    >>> print(*decide(strict, [True]), sep=": ")
    relax: XModal exceeds that of real rows by 0.140 > 0.02, and 12.0 % break a rule
    >>> decide(strict, [False])[0]
    'refit'
    >>> print(*decide(Measured(0.8, 0.9, 0.01, 0.02, 0.01), []), sep=": ")
    refit: TSTR is 0.100 > 0.02 below that of real rows
    """
    if measured.excess > MAX_XMODAL_EXCESS:
        why = f"XModal exceeds that of real rows by {measured.excess:.3f} > "
        why += f"{MAX_XMODAL_EXCESS}"
        pairs = list(zip(measured.broken, is_free, strict=True))
        for action, may, kind in ((RELAX, True, "rule"), (REFIT, False, "given rule")):
            worst = max((share for share, free in pairs if free is may), default=0.0)
            if worst > MAX_BROKEN:
                return action, f"{why}, and {100 * worst:.1f} % break a {kind}"
        return REFIT, why
    least = max(MAX_TSTR_LOSS, measured.error)
    if measured.loss > least:
        why = f"TSTR is {measured.loss:.3f} > {least:.2g} below that of real rows"
        return REFIT, why
    return STOP, "TSTR and XModal are within their thresholds"


def split_rows(rows):
    """Return masks of the rows to fit on and to hold out; None where too few rows.

    Parameters
    ----------
    rows : Rows
    """
    labels = rows.labels.astype(np.intp)
    counts = np.bincount(labels)
    n_held_out = min(int(HELD_OUT * len(rows)), MAX_HELD_OUT)
    if counts[counts > 0].min() < MIN_PER_CLASS or n_held_out < MIN_HELD_OUT:
        return None
    if len(counts[counts > 0]) < 2:
        return None
    positions = np.arange(len(rows))
    _, held_out = train_test_split(
        positions, test_size=n_held_out, stratify=labels, random_state=0
    )
    is_held_out = np.isin(positions, held_out)
    return ~is_held_out, is_held_out


def measure(table, parts, columns, rules):
    """Return how far drawn rows are from held-out ones.

    Parameters
    ----------
    table : RuledTable
    parts : list of (DataFrame, Series)
        Rows that were held out, that were fitted, and that were drawn.
    columns : list of column names
        Those that rules read.
    rules : sequence of rules
    """
    held_out, real, drawn = parts
    transfer = train_on_synthetic_test_on_real(
        *drawn, *held_out, X_real=real[0], y_real=real[1]
    )
    joined = [table.join(*part) for part in parts]
    pairs = [[name, table.label] for name in columns[:MAX_PAIRS]]
    found = [
        [
            cross_modal_distance(joined[0][pair], other[pair], pair)
            for other in joined[1:]
        ]
        for pair in pairs
    ]
    by_real, by_drawn = max(
        found, key=lambda values: values[1] - values[0], default=(0.0, 0.0)
    )
    smallest = held_out[1].value_counts().min()
    error = np.sqrt(transfer.auc_real * (1 - transfer.auc_real) / smallest)
    broken = tuple(float((~obey([rule], joined[0])).mean()) for rule in rules)
    return Measured(
        float(transfer), transfer.auc_real, float(error), by_drawn, by_real, broken
    )


def _tell(action, following):
    """Return what is done, for the note."""
    if action == RELAX:
        return "it was relaxed"
    if following:
        return f"refitted with {_spell(following[0])}"
    return "kept" if action == STOP else "there is no other setting"


def _spell(setting):
    """Return a setting as text."""
    parts = [f"{name}={value}" for name, value in setting.items()]
    return ", ".join(parts) or "as given"
