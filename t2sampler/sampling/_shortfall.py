"""What to do when the filters leave fewer rows than were asked for."""

import warnings

import numpy as np

from t2sampler.exceptions import QuotaNotMetError, QuotaNotMetWarning


def count_short(schema, quotas, waves):
    """Return the rows still missing per label code."""
    missing = dict(quotas or {})
    for wave in waves if quotas else ():
        codes = schema.target.encode(wave.y[wave.taken])
        for label in missing:
            missing[label] -= int(np.sum(codes == label))
    return {label: n_rows for label, n_rows in missing.items() if n_rows > 0}


def repeat_rows(policy, schema, missing, target, seed):
    """Return positions of real rows that fill up classes; a new class has none."""
    if policy != "bootstrap" or not missing:
        return np.zeros(0, dtype=np.intp)
    # One past any batch's key, so that no batch shares the stream.
    stream = np.random.SeedSequence(entropy=seed, spawn_key=(2**32,))
    rng = np.random.default_rng(stream)
    codes = schema.target.encode(target)
    rows = [
        rng.choice(np.flatnonzero(codes == label), size=n_rows)
        for label, n_rows in missing.items()
        if np.any(codes == label)
    ]
    return np.concatenate(rows) if rows else np.zeros(0, dtype=np.intp)


def tell_shortfall(policy, classes, ended=""):
    """Warn or raise where candidates did not suffice; return the notes for a report.

    ``ended`` says why the generator gave no more, where it did not.

    Raises
    ------
    QuotaNotMetError
        Under ``policy="raise"``.
    """
    if "wanted" not in classes:
        if classes[["generated", "repeated"]].to_numpy().any():
            notes = ["Fewer batches were drawn than asked for."] if ended else []
        else:
            notes = ["No candidate passed, so the real rows came back alone."]
        return _tell(policy, notes, ended) if notes else []
    short = classes[classes["generated"] < classes["wanted"]]
    notes = [
        f"Class {label}: expected {row.wanted} generated rows, got {row.generated}; "
        f"{row.repeated} real rows are repeated and {row.missing} are missing."
        for label, row in zip(short.index, short.itertuples(), strict=True)
    ]
    return _tell(policy, notes, ended) if notes else []


def _tell(policy, notes, ended):
    remedy = ended or (
        "See `report_` for the filter that drops most; raise `max_batches`, or make "
        "that filter laxer."
    )
    message = " ".join([*notes, remedy])
    if policy == "raise":
        raise QuotaNotMetError(message)
    warnings.warn(message, QuotaNotMetWarning, stacklevel=4)
    return notes
