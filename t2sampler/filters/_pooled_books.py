"""The books of a pooled trial: why it went as it did, row by row and in all."""

import numpy as np
import pandas as pd

from t2sampler._records import Verdict
from t2sampler.filters._course import Course

WHO = {Course.POOLED: "did not see the row", Course.REAL: "know real rows alone"}
UNSURE = 0.15  # standard error of an AUC beyond which it says next to nothing
UNLIKE = 2.0  # standard errors from which columns are said to go together less


def write_verdict(wave, trial, ruling, rows, labels):
    """Return the verdict on the candidates of a call.

    Parameters
    ----------
    wave : Wave
    trial : Trial
    ruling : Ruling
        On the rows that have a label.
    rows : int ndarray of shape (n_labelled,)
        Where these stand in the call.
    labels : sequence of shape (n_rows,)
    """
    n_rows = len(wave.order)
    keep, costs = np.zeros(n_rows, dtype=bool), np.full(n_rows, np.nan)
    reasons = np.full(n_rows, "label is missing", dtype=object)
    keep[rows], costs[rows] = ruling.keep, np.round(1 - ruling.own, 12)
    reasons[rows] = ""
    labels = [labels[row] for row in rows]
    reasons[rows[~ruling.keep]] = list(give_reasons(trial, ruling, labels))
    number = np.empty(n_rows, dtype=int)
    number[wave.order] = np.repeat(np.arange(len(wave.ids)), wave.sizes)
    n_kept = np.bincount(number[keep], minlength=len(wave.ids))
    findings = trial.findings
    stats = pd.DataFrame(
        {
            "n_rows": wave.sizes,
            "n_kept": n_kept,
            "gain": findings.gain,
            "tau": np.nan if np.isnan(findings.gain) else trial.tau,
            "suspects": findings.suspects,
        },
        index=pd.Index(wave.ids, name="batch"),
    )
    accepted = pd.Series(n_kept > 0, index=stats.index)
    notes = (tell(trial),)
    return Verdict(keep, reasons, {"cost": costs}, accepted, stats, notes=notes)


def give_reasons(trial, ruling, labels):
    """Yield the reason of each dropped row, in words and numbers."""
    out = np.flatnonzero(~ruling.keep)
    if trial.course == Course.NONE:
        auc, least = trial.findings.gain + 0.5, max(0, trial.tau + 0.5)
        reason = (
            "candidates contradict the real rows: models of either side rank the "
            f"other's labels with AUC {auc:.2f}, not above {least:.2f}"
        )
        yield from [reason] * len(out)
        return
    rows = zip(out.tolist(), ruling.own[out], ruling.usual[out], strict=True)
    for row, own, usual in rows:
        yield (
            f"label {labels[row]!r} has probability {own:.2f} under models that "
            f"{WHO[trial.course]}, others of that label {usual:.2f} on average"
        )


def tell(trial):
    """Return what was found in a pool and what was done, in one paragraph."""
    findings = trial.findings
    return (
        f"Cost: of {findings.n_new:,} candidates, models that did not see them "
        f"disbelieve the label of {findings.suspects:.0%} (of real rows "
        f"{findings.suspects_real:.0%}; below {trial.max_suspects:.0%} is usual)."
        f"{_tell_gain(trial)}{_tell_incoherence(findings)} So {trial.course.value}."
    )


def _tell_gain(trial):
    findings = trial.findings
    found = f"AUC {findings.gain + 0.5:.2f}, ± {findings.error:.2f} by chance"
    if np.isnan(findings.gain):
        is_clear = findings.suspects < trial.max_suspects
        return "" if is_clear else " No class of theirs can be told from another."
    asked = f"more than {max(0, trial.tau + 0.5):.2f} is asked"
    if findings.error > UNSURE:
        return (
            f" {findings.n_real:,} real rows are too few to confirm or refute them "
            f"({found}; {asked})."
        )
    return (
        f" Real rows and candidates predict each other's labels with {found}; {asked}."
    )


def _tell_incoherence(findings):
    if findings.incoherence < UNLIKE:
        return ""
    return (
        " Their columns go together less than those of real rows "
        f"({findings.incoherence:.1f} standard errors)."
    )
