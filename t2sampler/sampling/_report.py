"""The result of a run: its rows, where each comes from, and the run's report."""

import inspect
import re
import warnings
from dataclasses import dataclass
from textwrap import shorten

import numpy as np
import pandas as pd

from t2sampler import __version__
from t2sampler._records import FATES, put_beside
from t2sampler.exceptions import QuotaNotMetError, QuotaNotMetWarning
from t2sampler.generators._base import read_optional
from t2sampler.report import RunReport
from t2sampler.report._run_rows import RunRows
from t2sampler.report._words import OFF
from t2sampler.sampling._form import compare_form, join_generated, tell_shifts
from t2sampler.sampling._new_rows import describe_columns

NO_ROOM = "passed, but its class was full"
MAX_SETTING = 400  # characters; a generator's context may be a page long
VERDICT_COLUMNS = (
    *("gain", "tau", "noise_rate", "noise_limit"),
    *("entropy_gain", "entropy_threshold", "verdict"),
)


@dataclass(frozen=True)
class Additions:
    """What a run adds to the real rows, in the order of the result.

    ``repeated`` holds positions of real rows that are repeated as twins or bootstraps,
    ``origins`` and ``twin_batches`` what they are and whom they belong to.
    """

    waves: list
    repeated: np.ndarray
    origins: list
    twin_batches: list

    @property
    def n_generated(self):
        """Candidates in the result."""
        return sum(int(wave.taken.sum()) for wave in self.waves)


def collect_additions(waves, bootstrap, merge_twins):
    """Collect accepted candidates, the twins that came with them, and bootstraps."""
    twins = [
        (batch, position)
        for wave in waves
        if merge_twins
        for batch, positions in wave.result.twins.items()
        for position in positions
    ]
    repeated = [position for _, position in twins] + list(bootstrap)
    origins = ["twin"] * len(twins) + ["bootstrap"] * len(bootstrap)
    batches = [batch for batch, _ in twins] + [pd.NA] * len(bootstrap)
    return Additions(waves, np.asarray(repeated, dtype=np.intp), origins, batches)


def build_provenance(n_real, additions, donors):
    """Return provenance: a row per row of the result.

    Columns are ``origin`` (real, generated, twin, bootstrap), ``batch``, ``source``
    (position of the real row that is repeated), ``donor`` (of the real row that gave
    text, index label or metadata), ``cost`` and ``cluster``.
    """
    parts = [
        pd.DataFrame({"origin": ["real"] * n_real}),
        *(_provenance_of(wave) for wave in additions.waves if wave.taken.any()),
        pd.DataFrame(
            {
                "origin": additions.origins,
                "batch": pd.array(additions.twin_batches, dtype="Int64"),
                "source": pd.array(additions.repeated, dtype="Int64"),
            }
        ),
    ]
    kinds = {"batch": "Int64", "source": "Int64", "cost": float, "cluster": "Int64"}
    columns = ["origin", *kinds]  # in all parts: pandas 2 warns where one is missing
    rows = [part.reindex(columns=columns).astype(kinds) for part in parts if len(part)]
    table = pd.concat(rows, ignore_index=True)
    donors = pd.Series(np.concatenate([np.arange(n_real), donors]), dtype="Int64")
    table.insert(3, "donor", donors.mask(donors < 0))
    return table


def _provenance_of(wave):
    rows = pd.DataFrame({"origin": "generated", "batch": wave.batch})
    for name in ("cost", "cluster"):
        if name in wave.result.scores:
            rows[name] = wave.result.scores[name]
    if "cluster" in rows:
        rows["cluster"] = rows["cluster"].astype("Int64")
    return rows[wave.taken]


def count_fates(waves):
    """Return a row per batch: rows by fate, and the figures of its verdict."""
    batch = np.concatenate([wave.batch for wave in waves])
    refused = [wave.refused["batch"] for wave in waves if len(wave.refused)]
    counts = pd.crosstab(
        np.concatenate([batch, *refused]),
        np.concatenate([*map(_fates, waves), *(["refused"] * len(r) for r in refused)]),
    )
    counts = counts.reindex(columns=FATES, fill_value=0)
    counts["drawn"] = counts[list(FATES[1:])].sum(axis=1)
    verdicts = pd.concat([wave.result.batches for wave in waves])
    figures = [name for name in VERDICT_COLUMNS if name in verdicts]
    counts = counts.join(verdicts[figures])
    return counts.rename_axis(index="batch", columns=None)


def _fates(wave):
    fates = np.where(wave.taken, "accepted", wave.result.trimmed_by.astype(str))
    return np.where(~wave.taken & wave.result.keep, "surplus", fates)


def list_left_out(waves):
    """Return every candidate that is not in the result, and why."""
    out = [~wave.taken for wave in waves]
    rows = pd.concat([wave.rows.frame[o] for wave, o in zip(waves, out, strict=True)])
    parts = [
        {
            "batch": wave.batch[o],
            "label": wave.rows.target[o].to_numpy(dtype=object),
            "fate": _fates(wave)[o],
            "reason": np.where(wave.result.keep, NO_ROOM, wave.result.reasons)[o],
        }
        for wave, o in zip(waves, out, strict=True)
    ]
    fates = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    rows = put_beside(pd.DataFrame(fates), rows)
    lost = [wave.refused for wave in waves if len(wave.refused)]
    if not lost:
        return rows
    lost = pd.concat(lost, ignore_index=True).assign(fate="refused")
    # values as a generator wrote them are of any type; pandas 2 warns if none is there
    loose = rows.columns.intersection(lost.columns[lost.dtypes.eq("object")])
    rows = rows.astype(dict.fromkeys(loose, object))
    return pd.concat([rows, lost], ignore_index=True)


def count_classes(schema, wanted, real, new, additions):
    """Return a row per class: real, wanted, generated, repeated and missing rows.

    Parameters
    ----------
    schema : TableSchema
    wanted : dict of int to int, or None
        Rows wanted per label code.
    real, new : Series
        Labels of the real rows, and of those that are appended.
    additions : Additions
    """
    n_real, n_generated = schema.n_rows, additions.n_generated
    origin = np.repeat(
        ["real", "generated", "repeated"],
        [n_real, n_generated, len(additions.repeated)],
    )
    labels = np.concatenate([schema.target.encode(real), schema.target.encode(new)])
    levels = range(len(schema.target.levels))
    counts = pd.crosstab(labels, origin).reindex(
        index=levels, columns=["real", "generated", "repeated"], fill_value=0
    )
    if wanted is not None:
        counts.insert(1, "wanted", [wanted.get(level, 0) for level in levels])
        added = counts["generated"] + counts["repeated"]
        counts["missing"] = (counts["wanted"] - added).clip(lower=0)
    counts.index = pd.Index(schema.target.levels, name="class")
    return counts.rename_axis(columns=None)


def list_rules(sanity, left_out):
    """Return a row per rule of the sanity filter, the one that trimmed most first."""
    broken = getattr(sanity, "n_real_violations_", {})
    by_sanity = left_out.loc[left_out["fate"] == "sanity", "reason"]
    counts = by_sanity.value_counts()
    trimmed = [int(counts.get(rule, 0)) for rule in broken]
    rules = pd.DataFrame(
        {"real_rows_breaking": list(broken.values()), "candidates_trimmed": trimmed},
        index=pd.Index(list(broken), name="rule"),
    )
    return rules.sort_values(list(rules)[::-1], ascending=False, kind="stable")


def write_report(sampler, rows, waves, *, classes, notes, seed):
    """Return the run's report.

    Parameters
    ----------
    sampler : TeamThenTrimSampler
        With its fitted generator and filters.
    rows : Rows
        The real ones.
    waves : list of Wave
    classes : DataFrame
        From `count_classes`.
    notes : list of str
        Of the sampler; those of the generator and of the filters are added.
    seed : int
        Of the batches.
    """
    if waves:
        batches, left_out = count_fates(waves), list_left_out(waves)
    else:
        batches = pd.DataFrame(columns=[*FATES, *VERDICT_COLUMNS])
        left_out = pd.DataFrame(columns=["batch", "label", "fate", "reason"])
    own_notes, plan, usage = (
        read_optional(sampler.generator_, name)
        for name in ("notes_", "plan_", "usage_")
    )
    found = dict.fromkeys(note for wave in waves for note in wave.result.notes)
    shifts = compare_form(rows, join_generated(rows, waves))
    return RunReport(
        batches,
        left_out,
        classes,
        list_rules(sampler.sanity_, left_out),
        (*notes, *own_notes, *found, *tell_shifts(shifts)),
        "" if plan is None else str(plan),
        pd.DataFrame() if usage is None else usage,
        describe_columns(rows.schema, sampler.copy_text),
        shifts,
        describe_settings(sampler, rows.schema, seed),
        tuple(getattr(plan, "components", ())),
        RunRows(rows, [wave.rows for wave in waves], list(map(_fates, waves))),
    )


def describe_settings(sampler, schema, seed):
    """Return what a run was made of and by, as text by name.

    Of the sampler's parameters, those that are not at their defaults.
    """
    defaults = inspect.signature(type(sampler).__init__).parameters
    given = sampler.get_params(deep=False)
    parts = {name: given.pop(name) for name in sampler._default_parts}
    settings = {
        "t2sampler": __version__,
        "real rows": f"{schema.n_rows:,}",
        "columns": f"{len(schema.columns):,}",
        "classes": f"{len(schema.target.levels):,}",
    }
    for name, part in parts.items():
        made = sampler._default_parts[name]() if part is None else part
        settings[name] = OFF if isinstance(made, str) else repr(made)
    changed = {
        n: repr(v) for n, v in given.items() if repr(v) != repr(defaults[n].default)
    }
    settings |= changed | {"random_state": repr(given["random_state"])}
    settings["seed of the batches"] = str(seed)
    return {
        name: shorten(re.sub(" at 0x[0-9a-f]+", "", text), MAX_SETTING)
        for name, text in settings.items()
    }


def repeat_rows(policy, rows, missing, seed):
    """Return positions of real rows that fill up classes; a new class has none."""
    if policy != "bootstrap" or not missing:
        return np.zeros(0, dtype=np.intp)
    # One past any batch's key, so that no batch shares the stream.
    stream = np.random.SeedSequence(entropy=seed, spawn_key=(2**32,))
    rng = np.random.default_rng(stream)
    repeated = [
        rng.choice(np.flatnonzero(rows.labels == label), size=n_rows)
        for label, n_rows in missing.items()
        if np.any(rows.labels == label)
    ]
    return np.concatenate(repeated) if repeated else np.zeros(0, dtype=np.intp)


def report_shortfall(policy, classes, stop_reason=""):
    """Warn or raise where candidates did not suffice; return the notes for a report.

    ``stop_reason`` says why the generator gave no more, where it did not.

    Raises
    ------
    QuotaNotMetError
        Under ``policy="raise"``.
    """
    if "wanted" not in classes:
        if classes[["generated", "repeated"]].to_numpy().any():
            notes = ["Fewer batches were drawn than asked for."] if stop_reason else []
        else:
            notes = ["No candidate passed, so the real rows came back alone."]
        return _warn_or_raise(policy, notes, stop_reason) if notes else []
    short = classes[classes["generated"] < classes["wanted"]]
    notes = [
        f"Class {label}: expected {row.wanted} generated rows, got {row.generated}; "
        f"{row.repeated} real rows are repeated and {row.missing} are missing."
        for label, row in zip(short.index, short.itertuples(), strict=True)
    ]
    return _warn_or_raise(policy, notes, stop_reason) if notes else []


def _warn_or_raise(policy, notes, stop_reason):
    remedy = stop_reason or (
        "See `report_` for the filter that trims most; raise `max_batches`, or make "
        "that filter laxer."
    )
    message = " ".join([*notes, remedy])
    if policy == "raise":
        raise QuotaNotMetError(message)
    warnings.warn(message, QuotaNotMetWarning, stacklevel=5)
    return notes
