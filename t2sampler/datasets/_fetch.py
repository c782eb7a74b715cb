"""Loaders of real tables, from the data folder or from OpenML."""

from t2sampler._params import StrOptions, validate_params
from t2sampler.datasets._table_source import Source, load_table

COMPAS_VARIANTS = {
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
DRUG = Source(
    files=("drug/Drug_Consumption_decoded.csv.gz",),
    label="Nicotine",
    dropped=("ID", "Caff", "Choc"),
)
NO_USERS = ["CL0", "CL1"]
DRUG_GROUPS = {  # as in the paper's Figure 4
    "A": {"Age": "25-34", "Gender": "F", "Ethnicity": "White"},
    "B": {"Age": "18-24", "Gender": "M", "Ethnicity": "White"},
}
BANK_COLUMNS = (
    "age",
    "job",
    "marital",
    "education",
    "default",
    "balance",
    "housing",
    "loan",
    "contact",
    "day",
    "month",
    "duration",
    "campaign",
    "pdays",
    "previous",
    "poutcome",
)

ADULT = Source(
    files=("adult/adult_cllm.csv.gz",),
    label="salary",
    openml_id=1590,
    openml_names={"native-country": "country", "class": "salary"},
)
BANK = Source(
    files=("tagal_sets/bank.csv.gz",),
    label="y",
    dropped=("duration",),
    openml_id=1461,
    openml_names={
        **{f"V{i}": name for i, name in enumerate(BANK_COLUMNS, start=1)},
        "Class": "y",
    },
    openml_labels={1: "no", 2: "yes"},
)
GERMAN = Source(
    files=("tagal_sets/german.csv.gz",),
    label="Risk",
    openml_id=31,
    openml_names={
        "age": "Age",
        "personal_status": "Sex",
        "job": "Job",
        "housing": "Housing",
        "savings_status": "Saving accounts",
        "checking_status": "Checking account",
        "credit_amount": "Credit amount",
        "duration": "Duration",
        "purpose": "Purpose",
        "class": "Risk",
    },
    openml_extra=(
        "credit_history",
        "employment",
        "installment_commitment",
        "other_parties",
        "residence_since",
        "property_magnitude",
        "other_payment_plans",
        "existing_credits",
        "num_dependents",
        "own_telephone",
        "foreign_worker",
    ),
)
MAGIC = Source(
    files=("magic/train.csv.gz", "magic/test.csv.gz"),
    label="class",
    openml_id=1120,
    openml_names={
        "fLength:": "Length",
        "fWidth:": "Width",
        "fSize:": "Size",
        "fConc:": "Conc",
        "fConc1:": "Conc1",
        "fAsym:": "Asym",
        "fM3Long:": "M3Long",
        "fM3Trans:": "M3Trans",
        "fAlpha:": "Alpha",
        "fDist:": "Dist",
        "class:": "class",
    },
    openml_extra=("ID",),
)
THYROID = Source(files=("tagal_sets/thyroid.csv.gz",), label="Recurred")
TRAVEL = Source(files=("tagal_sets/travel.csv.gz",), label="ChurnOrNot")


@validate_params(
    {"variant": [StrOptions(set(COMPAS_VARIANTS))]}, prefer_skip_nested_validation=True
)
def fetch_compas(variant="encoded"):
    """Load COMPAS: recidivism of people arrested in Broward County, Florida.

    Parameters
    ----------
    variant : {"encoded", "propublica"}, default="encoded"
        "encoded": the 13 numbers and indicators the paper uses, of 5278 people, as at
        OpenML (42192). "propublica": ProPublica's table of 7214 people with strings
        and missing values, names and dates removed; only from the data folder. Its
        ``is_recid`` is dropped, since it is almost the label; the assessments
        ``decile_score`` and ``score_text`` are kept.

    Returns
    -------
    X : DataFrame of shape (5278, 13) or (7214, 12)
    y : Series of int, "two_year_recid"
        1 where a new charge came within two years (47 % in "encoded").

    Raises
    ------
    FileNotFoundError
        No data folder holds the table, and OpenML does not have it.

    Examples
    --------
    >>> from t2sampler.datasets import get_data_home, fetch_compas
    >>> if get_data_home() is not None:
    ...     X, y = fetch_compas()
    ...     assert X.shape == (5278, 13)
    """
    return load_table(COMPAS_VARIANTS[variant])


@validate_params(
    {"group": [StrOptions(set(DRUG_GROUPS)), None]}, prefer_skip_nested_validation=True
)
def fetch_drug(group=None):
    """Load UCI's drug consumption table with nicotine as the label.

    The row number, caffeine and chocolate are dropped, and so are the invented drug
    Semeron and the people who claim to have taken it. With a group, the remaining 24
    columns are the features of the paper.

    Parameters
    ----------
    group : {None, "A", "B"}, default=None
        None: everybody. "A": White women from 25 to 34 (264 people). "B": White men
        from 18 to 24 (363 people). The three columns that define a group are dropped.

    Returns
    -------
    X : DataFrame of shape (1876, 27), (264, 24) or (363, 24)
        Levels of use of the other drugs are strings from CL0 (never) to CL6 (within
        the last day).
    y : Series of str, "Nicotine"
        "user" where nicotine was used within the last decade (CL2 and above), else
        "non-user". The paper does not publish its threshold: its shares of 63 and 74 %
        in the two groups match none (here 66 and 88 %).

    Raises
    ------
    FileNotFoundError
        No data folder holds the table; OpenML does not have it.

    Examples
    --------
    >>> from t2sampler.datasets import get_data_home, fetch_drug
    >>> if get_data_home() is not None:
    ...     X, y = fetch_drug("A")
    ...     assert X.shape == (264, 24)
    """
    X, used = load_table(DRUG)
    is_user = ~used.isin(NO_USERS)
    y = is_user.map({True: "user", False: "non-user"}).rename(DRUG.label)
    is_kept = X.pop("Semer") == "CL0"
    if group is not None:
        is_kept &= (X[list(DRUG_GROUPS[group])] == DRUG_GROUPS[group]).all(axis=1)
        X = X.drop(columns=list(DRUG_GROUPS[group]))
    return X[is_kept].reset_index(drop=True), y[is_kept].reset_index(drop=True)


def fetch_adult():
    """Load Adult: which people of the 1994 census earn more than 50,000 a year.

    Returns
    -------
    X : DataFrame of shape (32561, 14), or (48842, 14) from OpenML (1590)
        Question marks in the files are missing values.
    y : Series of str, "salary"
        "<=50K" or ">50K" (24 %).

    Examples
    --------
    >>> from t2sampler.datasets import get_data_home, fetch_adult
    >>> if get_data_home() is not None:
    ...     X, y = fetch_adult()
    ...     assert sorted(set(y)) == ["<=50K", ">50K"]
    """
    return load_table(ADULT)


def fetch_bank():
    """Load Bank Marketing: which clients who are called subscribe to a deposit.

    The length of the call, ``duration``, is dropped: it is known only after the answer.

    Returns
    -------
    X : DataFrame of shape (45211, 15)
        From the data folder or OpenML (1461).
    y : Series of str, "y"
        "no" or "yes" (12 %).

    Examples
    --------
    >>> from t2sampler.datasets import get_data_home, fetch_bank
    >>> if get_data_home() is not None:
    ...     X, y = fetch_bank()
    ...     assert sorted(set(y)) == ["no", "yes"]
    """
    return load_table(BANK)


def fetch_german():
    """Load German Credit: which borrowers are a good or a bad risk.

    Returns
    -------
    X : DataFrame of shape (1000, 9)
        OpenML (31) has the same nine columns with the levels of credit-g, for instance
        "no checking" in place of a missing value, and sex with the marital status.
    y : Series of str, "Risk"
        "good" or "bad" (30 %).

    Examples
    --------
    >>> from t2sampler.datasets import get_data_home, fetch_german
    >>> if get_data_home() is not None:
    ...     X, y = fetch_german()
    ...     assert sorted(set(y)) == ["bad", "good"]
    """
    return load_table(GERMAN)


def fetch_magic():
    """Load MAGIC: which particle showers come from a gamma ray or from a hadron.

    Returns
    -------
    X : DataFrame of shape (19020, 10)
        From the data folder or OpenML (1120), which differ in the order of the rows.
    y : Series of str, "class"
        "g" (gamma) or "h" (hadron, 35 %).

    Examples
    --------
    >>> from t2sampler.datasets import get_data_home, fetch_magic
    >>> if get_data_home() is not None:
    ...     X, y = fetch_magic()
    ...     assert sorted(set(y)) == ["g", "h"]
    """
    return load_table(MAGIC)


def fetch_thyroid():
    """Load Thyroid: which differentiated thyroid cancers recur.

    All columns are kept. ``Response``, the response to the treatment, nearly determines
    the label: of 91 patients with the level "Structural Incomplete", 89 have "Yes".

    Returns
    -------
    X : DataFrame of shape (383, 16)
        Only from the data folder.
    y : Series of str, "Recurred"
        "No" or "Yes" (28 %).

    Raises
    ------
    FileNotFoundError
        No data folder holds the table.

    Examples
    --------
    >>> from t2sampler.datasets import get_data_home, fetch_thyroid
    >>> if get_data_home() is not None:
    ...     X, y = fetch_thyroid()
    ...     assert sorted(set(y)) == ["No", "Yes"]
    """
    return load_table(THYROID)


def fetch_travel():
    """Load Travel Churn: which customers of a travel agency leave.

    Returns
    -------
    X : DataFrame of shape (954, 6)
        Only from the data folder.
    y : Series of int, "ChurnOrNot"
        1 where the customer left (23 %).

    Raises
    ------
    FileNotFoundError
        No data folder holds the table.

    Examples
    --------
    >>> from t2sampler.datasets import get_data_home, fetch_travel
    >>> if get_data_home() is not None:
    ...     X, y = fetch_travel()
    ...     assert sorted(set(y)) == [0, 1]
    """
    return load_table(TRAVEL)
