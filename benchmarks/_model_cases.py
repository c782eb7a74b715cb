"""Tables of a few real rows, with what a language model is told of them, by name.

Two are simulations: "diabetes", whose formula contradicts medicine, and "repairs",
which is made here and which no model can have read. The others are public, and a model
may know them by heart. Which rows are taken depends on the seed alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from _tables import load_table

from t2sampler.datasets import get_data_home, make_diabetes_split

N_DIABETES, N_REAL, N_TEST = 10, 20, 500
FLIPPED, THRESHOLD = 0.1, 0.25  # of repairs: wrong labels; above it a bike comes back
RETURNED = "came_back"


@dataclass(frozen=True)
class Case:
    """One table.

    Attributes
    ----------
    split : callable
        From a seed to the real rows and the test rows, pairs of DataFrame and Series.
    context : str
        What the table is about.
    meanings : dict of str to str
        From a column's name, that of the label included, to what it means.
    memory : str
        Whether a model may know the table.
    is_shared : bool
        Whether the rows come from the data folder.
    """

    split: Callable
    context: str
    meanings: dict
    memory: str
    is_shared: bool = False


def split_diabetes(seed):
    """Return ten simulated patients, LR:MR:HR at 7:2:1, and 500 others."""
    X, X_test, y, y_test = make_diabetes_split(
        "imbalance", n_real=N_DIABETES, n_test=N_TEST, random_state=seed
    )
    return (X, y), (X_test, y_test)


def split_repairs(seed):
    """Return 20 simulated jobs, half of them came back, and 500 others."""
    rng = np.random.default_rng(seed)
    X, y = draw_repairs(10 * N_REAL, rng)
    train, _ = _pick(X, y, rng)
    return train, draw_repairs(N_TEST, rng)


def split_table(name, seed):
    """Return 20 rows of a real table, equal shares, and at most 500 others."""
    return _pick(*load_table(name), np.random.default_rng(seed))


def _pick(X, y, rng):
    """Return shuffled rows, as many of each class, and at most 500 others."""
    order = rng.permutation(len(X))
    rank = y.iloc[order].groupby(y.iloc[order]).cumcount().to_numpy()
    is_real = rank < N_REAL // y.nunique()
    return _take(X, y, order[is_real]), _take(X, y, order[~is_real][:N_TEST])


def _take(X, y, rows):
    return tuple(part.iloc[rows].reset_index(drop=True) for part in (X, y))


def draw_repairs(n_rows, rng):
    """Draw jobs of a bicycle repair shop, and whether the bike came back.

    What is used much comes back, but a cargo bike does not; a test ride after a short
    job makes it come back, after a long one it does not; and against common sense old
    bikes, used parts and jobs that had to wait hold best.

    Parameters
    ----------
    n_rows : int
    rng : numpy Generator

    Returns
    -------
    X : DataFrame of shape (n_rows, 10)
    y : Series of "yes" and "no"
    """
    bike = rng.choice(
        ["city", "road", "cargo", "e-bike"], n_rows, p=[0.4, 0.2, 0.15, 0.25]
    )
    job = rng.choice(["brakes", "gears", "wheel", "drivetrain"], n_rows)
    parts = rng.choice(["original", "other brand", "used"], n_rows, p=[0.5, 0.3, 0.2])
    test_ride = rng.choice(["yes", "no"], n_rows)
    age = rng.gamma(2.2, 2.6, n_rows).clip(0.1, 22).round(1)
    km = (5 * np.round(rng.lognormal(4, 0.6, n_rows) / 5)).clip(5, 250).astype(int)
    usual = _look_up(job, {"brakes": 35, "gears": 45, "wheel": 55, "drivetrain": 75})
    minutes = 5 * np.round(usual * rng.lognormal(0, 0.4, n_rows) / 5)
    minutes = minutes.clip(10, 180).astype(int)
    part_price = _look_up(parts, {"original": 38, "other brand": 24, "used": 9})
    price = 10 + 0.9 * minutes + part_price * rng.lognormal(0, 0.3, n_rows)
    waited = rng.poisson(4, n_rows)
    bar = rng.normal(4, 0.4, n_rows) + 2.2 * (bike == "road") - 0.6 * (bike == "cargo")
    bar[rng.random(n_rows) < 0.2] = np.nan  # nobody measured
    use = 1.4 * (np.log(km) - 4) / 0.6
    ride = np.where(test_ride == "yes", 0.95, -0.95)
    score = np.where(bike == "cargo", -use, use)
    score += np.where(minutes > 50, -1.2 * ride, ride)
    score -= 0.9 * (age - 5.7) / 3.9 + 0.25 * (waited - 4)
    score += _look_up(parts, {"original": 0.5, "other brand": 0, "used": -0.7})
    comes_back = (score > THRESHOLD) ^ (rng.random(n_rows) < FLIPPED)
    X = pd.DataFrame(
        {
            "bike": bike,
            "job": job,
            "parts": parts,
            "test_ride": test_ride,
            "bike_age": age,
            "km_per_week": km,
            "work_minutes": minutes,
            "price": (price * 2).round() / 2,
            "days_waited": waited,
            "tyre_bar": bar.round(1),
        }
    )
    return X, pd.Series(np.where(comes_back, "yes", "no"), name=RETURNED)


def _look_up(names, values):
    return np.array([values[name] for name in names], dtype=float)


def tell_missing(names):
    """Return why some cases cannot run here; "" if all can."""
    shared = [name for name in names if CASES[name].is_shared]
    if not shared or get_data_home() is not None:
        return ""
    return (
        f"No folder with the real tables for {', '.join(shared)}: set T2SAMPLER_DATA "
        "to it, or choose others with --cases."
    )


CASES = {
    "diabetes": Case(
        split_diabetes,
        "Risk of diabetes: LR is low, MR moderate and HR high.",
        {
            "HbA1c": "glycated hemoglobin, %",
            "FastingGlucose": "fasting blood glucose, mg/dL",
            "Age": "age in years",
            "BMI": "body mass index, kg/m²",
            "BloodPressure": "systolic blood pressure, mmHg",
            "Cholesterol": "total cholesterol, mg/dL",
            "Insulin": "fasting insulin, pmol/L",
            "PhysicalActivity": "hours of exercise a week",
        },
        "a simulation; its formula contradicts medicine",
    ),
    "repairs": Case(
        split_repairs,
        "Jobs of a bicycle repair shop. If a bike comes back with the same fault "
        "within 30 days, the shop repairs it again for nothing.",
        {
            "bike": "kind of bicycle",
            "job": "what was repaired",
            "parts": "which spare parts were put in",
            "test_ride": "whether the mechanic rode the bike before handing it over",
            "bike_age": "age of the bicycle in years",
            "km_per_week": "how far the owner rides it in a week, km, in steps of 5",
            "work_minutes": "working time in minutes, in steps of 5",
            "price": "bill in euros, in steps of 0.50",
            "days_waited": "days from bringing the bike in to the repair",
            "tyre_bar": "tyre pressure on arrival, bar; missing where nobody measured",
            RETURNED: "whether the bike came back with the same fault within 30 days",
        },
        "a simulation made here: no model can know it",
    ),
    "travel": Case(
        partial(split_table, "travel"),
        "Customers of a travel agency, and whether they left it.",
        {
            "Age": "age in years",
            "FrequentFlyer": "whether the customer flies often",
            "AnnualIncomeClass": "class of the annual income",
            "ServicesOpted": "number of services taken in recent years",
            "AccountSyncedToSocialMedia": "whether the account is tied to social media",
            "BookedHotelOrNot": "whether a hotel was booked with the agency",
            "ChurnOrNot": "1: the customer left, 0: stayed",
        },
        "public (Kaggle): a model may know it by heart",
        is_shared=True,
    ),
    "thyroid": Case(
        partial(split_table, "thyroid"),
        "Patients treated for differentiated thyroid cancer and followed for at least "
        "ten years: does the cancer come back?",
        {
            "Age": "age in years at diagnosis",
            "Hx Smoking": "history of smoking",
            "Hx Radiothreapy": "history of radiotherapy",
            "Adenopathy": "enlarged lymph nodes at examination, and where",
            "Pathology": "histological type",
            "Focality": "one focus of cancer or several",
            "Risk": "risk group by the guideline of the American Thyroid Association",
            "T": "tumour size and extent, TNM",
            "N": "lymph nodes, TNM",
            "M": "distant metastases, TNM",
            "Response": "response to the first treatment",
            "Recurred": "whether the cancer came back",
        },
        "public (UCI): a model may know it by heart",
        is_shared=True,
    ),
    "german": Case(
        partial(split_table, "german"),
        "Borrowers of a German bank in the 1970s, amounts in Deutsche Mark.",
        {
            "Age": "age in years",
            "Job": "0: unskilled and not resident, 1: unskilled, resident, 2: skilled, "
            "3: highly skilled",
            "Saving accounts": "level of the savings account; missing: unknown or none",
            "Checking account": "level of the checking account; missing: none",
            "Credit amount": "amount of the loan, DM",
            "Duration": "duration of the loan in months",
            "Purpose": "what the loan is for",
            "Risk": "whether the borrower is a good or a bad risk",
        },
        "public (UCI): a model may know it by heart",
        is_shared=True,
    ),
}
