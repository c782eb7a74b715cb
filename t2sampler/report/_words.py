"""The verdicts of a run in words: what each filter trimmed, and why."""

import re

import pandas as pd

FILTERS = ("sanity", "cost", "diversity")
OFF = "switched off"  # what settings say of a filter that is
VALUES = re.compile(r"'[^']*'|\d[\d.,]*(?:e[+-]?\d+)?")


def tell_run(report):
    """Return what became of the candidates, in sentences.

    Parameters
    ----------
    report : RunReport

    Returns
    -------
    sentences : list of str
    """
    totals, classes = report.totals, report.classes
    if not totals["drawn"]:
        return [_tell_nothing(classes), *_tell_repeats(classes)]
    told = [
        f"{totals['accepted']:,} of {totals['drawn']:,} candidates were accepted, from "
        f"{count(len(report.batches), 'batch', 'batches')}."
    ]
    n_left = totals["drawn"] - totals["refused"]
    if totals["refused"]:
        told.append(
            f"The generator refused {totals['refused']:,} rows that it could not use, "
            f"{_tell_reason(report, 'refused')}."
        )
    for name in FILTERS:
        told.append(_tell_filter(report, name, n_left))
        n_left -= totals[name]
    if totals["surplus"]:
        told.append(f"{totals['surplus']:,} more passed, but their classes were full.")
    return told + _tell_repeats(classes)


def _tell_nothing(classes):
    """Return why there are no candidates."""
    if "wanted" in classes and not classes["wanted"].any():
        return (
            "Nothing was drawn: every class is as large as `sampling_strategy` asks "
            "for. With `sampling_strategy=grow(2)`, all classes would be doubled."
        )
    return "Nothing was drawn: the generator gave no rows."


def _tell_filter(report, name, n_seen):
    n_trimmed = report.totals[name]
    if report.settings.get(name) == OFF:
        return f"The {name} filter was switched off."
    if not n_seen:
        return f"No candidate reached the {name} filter."
    if not n_trimmed:
        return f"The {name} filter trimmed none of {n_seen:,} candidates."
    return (
        f"The {name} filter trimmed {n_trimmed:,} of {n_seen:,} candidates "
        f"({percent(n_trimmed / n_seen)}), {_tell_reason(report, name)}."
    )


def _tell_reason(report, fate):
    """Return the reason that most of the rows have in common."""
    reasons = group_reasons(report.left_out)
    reasons = reasons[reasons["fate"] == fate]
    first = reasons.iloc[0]
    share = "all" if len(reasons) == 1 else f"{first['rows']:,}"
    others = " and the like" if first["wordings"] > 1 else ""
    why = "breaking the rule" if fate == "sanity" else "for"
    return f"{share} of them {why} “{first['reason']}”{others}"


def group_reasons(left_out):
    """Return a row per fate and reason, the most frequent first.

    Outside the sanity filter, whose reasons are rules, reasons that differ in numbers
    and quoted values only are one; the first of them stands for all.

    Examples
    --------
    >>> import pandas as pd
    >>> reasons = ["label 'a' has probability 0.1", "label 'b' has probability 0.2"]
    >>> group_reasons(pd.DataFrame({"fate": "cost", "reason": reasons}))
       fate                         reason  rows  wordings
    0  cost  label 'a' has probability 0.1     2         2
    """
    rows = left_out[["fate", "reason"]].astype(str)
    form = rows["reason"].str.replace(VALUES, "…", regex=True)
    rows["form"] = form.where(rows["fate"] != "sanity", rows["reason"])
    groups = rows.groupby(["fate", "form"], sort=False)["reason"]
    table = groups.agg(reason="first", rows="size", wordings="nunique").reset_index()
    table = table.drop(columns="form")
    return table.sort_values("rows", ascending=False, kind="stable", ignore_index=True)


def _tell_repeats(classes):
    """Return how many rows stand in for candidates, or are not there."""
    repeated = "Real rows repeated because too few passed"
    if "wanted" not in classes:
        repeated = "Real rows added as twins of batches"
    told = []
    for name, what in (
        ("repeated", repeated),
        ("missing", "Rows missing because too few passed"),
    ):
        n_rows = int(classes[name].sum()) if name in classes else 0
        if n_rows:
            told.append(f"{what}: {n_rows:,} ({_list_classes(classes, name)}).")
    return told


def _list_classes(classes, column, n_shown=5):
    rows = classes.loc[classes[column] > 0, column]
    words = [f"class {label}: {n:,}" for label, n in rows.head(n_shown).items()]
    return ", ".join([*words, *(["…"] if len(rows) > n_shown else [])])


def count(number, one, several=None):
    """Return a number and what is counted.

    Examples
    --------
    >>> count(1, "batch", "batches"), count(1200, "row")
    ('1 batch', '1,200 rows')
    """
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"


def blank_none(values):
    """Return values as a column has them, with "" in the place of None."""
    return pd.Series(["" if v is None else v for v in values], values.index, object)


def percent(share):
    """Return a share in words.

    Examples
    --------
    >>> percent(0.004), percent(0.25), percent(0.999)
    ('less than 1 %', '25 %', 'more than 99 %')
    """
    if 0 < share < 0.01:
        return "less than 1 %"
    if 0.99 < share < 1:
        return "more than 99 %"
    return f"{share:.0%}".replace("%", " %")
