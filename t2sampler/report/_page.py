"""The page of a run: verdicts in words, pictures, tables."""

import re
import warnings
from functools import partial
from html import escape

import numpy as np
import pandas as pd

from t2sampler._figures import COLORS, import_matplotlib
from t2sampler._pages import render_document, to_table
from t2sampler.exceptions import T2SamplerWarning
from t2sampler.report._association import AssociationDisplay
from t2sampler.report._batches import BatchesDisplay, group_batches
from t2sampler.report._display import NothingToShowError
from t2sampler.report._map import RowsDisplay, check_method
from t2sampler.report._marginals import MarginalsDisplay
from t2sampler.report._plan import PlanDisplay
from t2sampler.report._usage import UsageDisplay
from t2sampler.report._words import blank_none, count, group_reasons, percent, tell_run

MAX_SHOWN = 20  # rows of a table on a page; the report itself holds them all
MAX_LINES = 50  # of the tables of classes and of columns
N_EXAMPLES = 4  # candidates left out that are shown, of each fate
STYLE = """<style>
.t2sampler { --line: #8884; }
.t2sampler .panels { --least: min(100%, calc(var(--w) * 4.8rem)); display: grid;
  grid-template-columns: repeat(auto-fill, minmax(var(--least), 1fr)); gap: 1rem;
  margin: .75rem 0; overflow-x: auto; }
.t2sampler .panels svg { width: 100%; height: auto; min-width: calc(var(--w) * 3.9rem);
  max-width: calc(var(--w) * 7rem); }
.t2sampler .key { display: inline-block; width: .8em; height: .8em; border-radius: 2px;
  margin: 0 .3em 0 .8em; }
.t2sampler .settings td, .t2sampler .settings th { text-align: left; }
.t2sampler .settings td { white-space: normal; overflow-wrap: anywhere; }
.t2sampler .reasons tbody th { white-space: normal; min-width: 9rem; }
.t2sampler summary { cursor: pointer; margin: .5rem 0; }
</style>"""
KEYS = "".join(
    f"<span class='key' style='background: {COLORS[kind]}'></span>{kind} rows"
    for kind in ("real", "new")
)


def render_page(report, title="Run report", *, method="pca"):
    """Return a self-contained HTML page around a run report.

    Parameters
    ----------
    report : RunReport
        The ``report_`` of a fitted sampler.
    title : str, default="Run report"
        Stands at the top of the page.
    method : {"pca", "tsne"}, default="pca"
        How the map of the rows is made; see `RowsDisplay`.

    Returns
    -------
    page : str
        A whole document: no script, no font and no picture is loaded from elsewhere.

    Warns
    -----
    T2SamplerWarning
        matplotlib is not installed, so that the page has no pictures.

    See Also
    --------
    RunReport.save : Write the page into a file.

    Examples
    --------
    >>> import pandas as pd
    >>> from t2sampler import TeamThenTrimSampler
    >>> from t2sampler.report import render_page
    >>> X = pd.DataFrame({"age": [31, 47, 52, 28, 60, 44]})
    >>> sampler = TeamThenTrimSampler(cost="passthrough", random_state=0)
    >>> _ = sampler.fit_resample(X, [0, 0, 0, 0, 1, 1])
    >>> render_page(sampler.report_, title="Six rows")[:15]
    '<!DOCTYPE html>'
    """
    return render_document(title, render_fragment(report, method=method))


def render_fragment(report, *, method="pca"):
    """Return the same as HTML without a document around it, for notebooks."""
    check_method(method)
    problem = _find_problem()
    draw = partial(_draw, report, is_possible=not problem)
    found, *told = tell_run(report)
    sections = {
        "": f"<p><b>{_to_html(found)}</b></p>{_to_list(told)}{_to_paragraph(problem)}",
        "Classes": _show_classes(report.classes),
        "Distributions": draw(MarginalsDisplay) + _show_shifts(report),
        "Associations": draw(AssociationDisplay),
        "Map of the rows": draw(RowsDisplay, method=method),
        "Batches": draw(BatchesDisplay) + _show_batches(report),
        "Language models": _show_usage(report, draw),
        "Plan": _show_plan(report, draw),
        "Rules": _show_rules(report.rules),
        "Candidates left out": _show_left_out(report.left_out),
        "Notes": _to_list(report.notes),
        "Settings": _show_settings(report),
    }
    body, seen = "", {""}  # what is the reason for two gaps is said once
    for title, html in sections.items():
        if html not in seen:
            body += (f"<h2>{title}</h2>" if title else "") + html
            seen.add(html)
    return f"{STYLE}<div class='t2sampler'>{body}</div>"


def _find_problem():
    """Return why there are no pictures, in a sentence, and warn of it; else nothing."""
    try:
        import_matplotlib()
    except ImportError as error:
        warnings.warn(f"The report has no pictures. {error}", T2SamplerWarning, 2)
        return str(error)
    return ""


def _draw(report, kind, *, is_possible, **settings):
    """Return a picture and what is to be said of it, or why there is none."""
    if not is_possible:
        return ""
    try:
        display = kind.from_report(report, **settings)
    except NothingToShowError as error:
        return _to_paragraph(str(error))
    told = _to_paragraph(display.describe(), KEYS if kind is MarginalsDisplay else "")
    panels = "".join(display.to_svgs(kind.__name__))
    width = display.panel_size[0]
    return f"{told}<div class='panels' style='--w: {width}'>{panels}</div>"


def _show_classes(classes):
    """Return the table without columns of zeros."""
    return _to_table(classes.loc[:, classes.any()], MAX_LINES)


def _show_shifts(report):
    shifts = report.find_shifts()
    title = f"{count(len(shifts), 'shift')} beyond chance, by class"
    if shifts.empty:
        return ""
    shown = shifts[["class", "column", "what"]].rename(columns={"what": "compared"})
    shown["level"] = blank_none(shifts["level"])
    for side in ("real", "new"):
        counts = zip(shifts[side], shifts[f"of_{side}"], strict=True)
        shown[f"{side} rows"] = [
            f"{n:,} of {n_rows:,} ({percent(n / n_rows)})" for n, n_rows in counts
        ]
    shown["p-value"] = ["< 0.0001" if p < 1e-4 else f"{p:.4f}" for p in shifts.p_value]
    return _fold(title, _to_table(shown.set_index("class")))


def _show_batches(report):
    table = group_batches(report.batches)
    told = f"Of {count(len(report.batches), 'batch', 'batches')}, those with the same "
    told += "verdict and figures are one line. `report_.batches` has them all."
    return _to_paragraph(told) + _to_table(table) if len(table) else ""


def _show_usage(report, draw):
    return draw(UsageDisplay) + _to_table(report.usage) if len(report.usage) else ""


def _show_plan(report, draw):
    graph = draw(PlanDisplay) if report.components else ""
    return graph + (
        _fold("As text", f"<pre>{escape(report.plan)}</pre>") if report.plan else ""
    )


def _show_rules(rules):
    if rules.empty:
        return ""
    shown = rules[rules.any(axis=1)]
    n_silent = len(rules) - len(shown)
    told = f"{n_silent:,} of {count(len(rules), 'rule')} are broken by no row."
    table = f"<div class='reasons'>{_to_table(shown)}</div>"
    return table + (_to_paragraph(told) if n_silent else "")


def _show_left_out(left_out):
    if left_out.empty:
        return ""
    reasons = group_reasons(left_out).set_index("reason")[["fate", "rows"]]
    examples = left_out.groupby("fate", sort=False).head(N_EXAMPLES)
    table = f"<div class='reasons'>{_to_table(reasons)}</div>"
    return table + _fold("Examples", _to_table(examples))


def _show_settings(report):
    settings = pd.DataFrame({"value": report.settings}, dtype=object)
    table = _to_table(settings, len(settings))
    columns = _to_table(report.columns, MAX_LINES)
    return f"<div class='settings'>{table}</div>{_fold('Columns', columns)}"


def _to_table(frame, n_rows=MAX_SHOWN):
    """Return the first rows as a table, and say how many there are."""
    if frame.empty:
        return ""
    shown = frame.head(n_rows).apply(_blank_infinite).dropna(axis=1, how="all")
    if shown.index.nlevels == 1:  # its name stands in the line of the others
        shown = shown.rename_axis(index=None, columns=shown.index.name)
    told = f"The first {n_rows:,} of {len(frame):,} rows."
    return to_table(shown) + (_to_paragraph(told) if len(frame) > n_rows else "")


def _blank_infinite(column):
    """Return a column in which a limit that nothing reaches is no value."""
    is_float = getattr(column.dtype, "kind", "") == "f"
    return column.mask(np.isinf(column)) if is_float else column


def _fold(title, html):
    """Return what a reader has to open."""
    return f"<details><summary>{title}</summary>{html}</details>" if html else ""


def _to_list(sentences):
    items = "".join(f"<li>{_to_html(sentence)}</li>" for sentence in sentences)
    return f"<ul>{items}</ul>" if items else ""


def _to_paragraph(text, html=""):
    return f"<p>{_to_html(text)}{html}</p>" if text else ""


def _to_html(text):
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
