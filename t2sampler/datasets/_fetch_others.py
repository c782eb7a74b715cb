"""Six real tables that need no choice."""

from t2sampler.datasets._sources import Source, load

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


def fetch_adult():
    """Load Adult: does a person of the census of 1994 earn more than 50,000 a year?

    Returns
    -------
    X : DataFrame of shape (32561, 14), or (48842, 14) from OpenML (1590)
        A question mark in the files is a missing value here.
    y : Series of str, "salary"
        "<=50K" or ">50K" (24 %).

    Examples
    --------
    >>> from t2sampler.datasets import data_folder, fetch_adult
    >>> if data_folder() is not None:
    ...     X, y = fetch_adult()
    ...     assert sorted(set(y)) == ["<=50K", ">50K"]
    """
    return load(ADULT)


def fetch_bank():
    """Load Bank Marketing: does a client who is called subscribe to a deposit?

    The length of the call, ``duration``, is left out: it is known only once the answer
    is.

    Returns
    -------
    X : DataFrame of shape (45211, 15)
        From the data folder or OpenML (1461).
    y : Series of str, "y"
        "no" or "yes" (12 %).

    Examples
    --------
    >>> from t2sampler.datasets import data_folder, fetch_bank
    >>> if data_folder() is not None:
    ...     X, y = fetch_bank()
    ...     assert sorted(set(y)) == ["no", "yes"]
    """
    return load(BANK)


def fetch_german():
    """Load German Credit: is a borrower a good or a bad risk?

    Returns
    -------
    X : DataFrame of shape (1000, 9)
        From OpenML (31) the same nine columns come with the levels of credit-g, for
        instance "no checking" in place of a missing value, and sex with the marital
        status.
    y : Series of str, "Risk"
        "good" or "bad" (30 %).

    Examples
    --------
    >>> from t2sampler.datasets import data_folder, fetch_german
    >>> if data_folder() is not None:
    ...     X, y = fetch_german()
    ...     assert sorted(set(y)) == ["bad", "good"]
    """
    return load(GERMAN)


def fetch_magic():
    """Load MAGIC: did a gamma ray or a hadron make the shower a telescope saw?

    Returns
    -------
    X : DataFrame of shape (19020, 10)
        From the data folder or OpenML (1120), the rows in an order of their own.
    y : Series of str, "class"
        "g" (gamma) or "h" (hadron, 35 %).

    Examples
    --------
    >>> from t2sampler.datasets import data_folder, fetch_magic
    >>> if data_folder() is not None:
    ...     X, y = fetch_magic()
    ...     assert sorted(set(y)) == ["g", "h"]
    """
    return load(MAGIC)


def fetch_thyroid():
    """Load Thyroid: does a differentiated thyroid cancer come back?

    No column is left out, but ``Response``, the response to the treatment, nearly
    decides: of 91 patients with the level "Structural Incomplete", 89 have the label
    "Yes".

    Returns
    -------
    X : DataFrame of shape (383, 16)
        Only from the data folder.
    y : Series of str, "Recurred"
        "No" or "Yes" (28 %).

    Raises
    ------
    FileNotFoundError
        There is no data folder that holds the table.

    Examples
    --------
    >>> from t2sampler.datasets import data_folder, fetch_thyroid
    >>> if data_folder() is not None:
    ...     X, y = fetch_thyroid()
    ...     assert sorted(set(y)) == ["No", "Yes"]
    """
    return load(THYROID)


def fetch_travel():
    """Load Travel Churn: does a customer of a travel agency leave?

    Returns
    -------
    X : DataFrame of shape (954, 6)
        Only from the data folder.
    y : Series of int, "ChurnOrNot"
        1 where the customer left (23 %).

    Raises
    ------
    FileNotFoundError
        There is no data folder that holds the table.

    Examples
    --------
    >>> from t2sampler.datasets import data_folder, fetch_travel
    >>> if data_folder() is not None:
    ...     X, y = fetch_travel()
    ...     assert sorted(set(y)) == [0, 1]
    """
    return load(TRAVEL)
