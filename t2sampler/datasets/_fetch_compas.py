"""COMPAS: who is charged with a crime again within two years?"""

from t2sampler.datasets._sources import Source, load

VARIANTS = {
    "encoded": Source(
        files=("compas/compas_13feat_openml.csv.gz",),
        label="two_year_recid",
        openml_id=42192,
    ),
    "propublica": Source(
        files=("compas/compas_two_years_deidentified.csv.gz",),
        label="two_year_recid",
        dropped=("is_recid",),
    ),
}


def fetch_compas(variant="encoded"):
    """Load COMPAS: recidivism of people arrested in Broward County, Florida.

    Parameters
    ----------
    variant : {"encoded", "propublica"}, default="encoded"
        "encoded": the 13 numbers and indicators the paper uses, of 5278 people, as at
        OpenML (42192). "propublica": ProPublica's table of 7214 people with strings
        and missing values, names and dates removed; only from the data folder. Its
        ``is_recid`` is left out, since it says what the label says; the assessments
        ``decile_score`` and ``score_text`` are kept.

    Returns
    -------
    X : DataFrame of shape (5278, 13) or (7214, 12)
    y : Series of int, "two_year_recid"
        1 where a new charge came within two years (47 % in "encoded").

    Raises
    ------
    FileNotFoundError
        There is no data folder that holds the table, nor does OpenML have it.

    Examples
    --------
    >>> from t2sampler.datasets import data_folder, fetch_compas
    >>> if data_folder() is not None:
    ...     X, y = fetch_compas()
    ...     assert X.shape == (5278, 13)
    """
    if variant not in VARIANTS:
        raise ValueError(
            f"`variant` expected one of {list(VARIANTS)}, got {variant!r}. Give one of "
            "them."
        )
    return load(VARIANTS[variant])
