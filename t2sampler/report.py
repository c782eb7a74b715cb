"""A run report as one HTML file that needs nothing beside it."""

from html import escape

__all__ = ["render_page"]

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 84rem; margin: 2rem auto;
       padding: 0 1.5rem; }
h1 { font-size: 1.5rem; margin-bottom: .25rem; }
h3 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
.lead { margin-top: 0; opacity: .75; }
table { border-collapse: collapse; font-size: .85rem; display: block; overflow: auto;
        width: fit-content; max-width: 100%; max-height: 27rem;
        font-variant-numeric: tabular-nums; }
thead { position: sticky; top: 0; background: Canvas; }
@media print { table { max-height: none; } }
th, td { text-align: right; padding: .3rem .7rem; border-bottom: 1px solid var(--line);
         white-space: nowrap; }
thead th { border-bottom-width: 2px; }
tbody th { font-weight: 500; }
tbody th, thead th:first-child { text-align: left; }
tbody tr:hover { background: var(--soft); }
pre { background: var(--soft); padding: 1rem; overflow-x: auto; }
"""


def render_page(report, title="Run report"):
    """Return a self-contained HTML page around a run report.

    Parameters
    ----------
    report : RunReport
        The ``report_`` of a fitted sampler.
    title : str, default="Run report"
        Stands at the top of the page.

    Returns
    -------
    page : str
        A whole document: no script, no font and no picture is loaded from elsewhere.

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
    totals = report.totals
    return (
        "<!DOCTYPE html>\n"
        "<html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n"
        f"<body><h1>{escape(title)}</h1>"
        f"<p class='lead'>{totals['accepted']:,} of {totals['drawn']:,} candidates "
        f"were accepted, from {len(report.batches):,} batches.</p>\n"
        f"{report._repr_html_()}\n"
        "</body></html>\n"
    )
