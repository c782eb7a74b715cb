"""A run report as one HTML file that needs nothing beside it."""

from t2sampler._pages import render_document


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
    lead = (
        f"{totals['accepted']:,} of {totals['drawn']:,} candidates were accepted, from "
        f"{len(report.batches):,} batches."
    )
    return render_document(title, report._repr_html_(), lead)
