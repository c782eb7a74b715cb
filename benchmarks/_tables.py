"""Real tables for benchmarks and tests, from a folder that is not part of the project.

The folder is ``$T2SAMPLER_DATA``, or ``shared/data`` beside the checkout.
"""

import os
from pathlib import Path

import pandas as pd

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data"
TABLES = {  # name: (file, label)
    "compas": ("compas/compas_two_years_deidentified.csv.gz", "two_year_recid"),
    "drug": ("drug/Drug_Consumption_decoded.csv.gz", "Nicotine"),
    "adult": ("adult/adult_cllm.csv.gz", "salary"),
    "bank": ("tagal_sets/bank.csv.gz", "y"),
    "german": ("tagal_sets/german.csv.gz", "Risk"),
    "thyroid": ("tagal_sets/thyroid.csv.gz", "Recurred"),
    "travel": ("tagal_sets/travel.csv.gz", "ChurnOrNot"),
}
# Columns that say what the label says.
LEAKS = {"compas": ["is_recid"]}


def data_folder():
    """Return the folder with real tables, None where there is none."""
    folder = Path(os.environ.get("T2SAMPLER_DATA", FOLDER))
    return folder if folder.is_dir() else None


def load_table(name):
    """Return ``X`` and a binary ``y`` of a real table.

    The label of "drug" is whether nicotine was used within the last decade (CL2 and
    above), since the threshold of the published label cannot be recovered.
    """
    file, label = TABLES[name]
    frame = pd.read_csv(data_folder() / file, skipinitialspace=True)
    y = frame.pop(label)
    if name == "drug":
        y = (~y.isin(["CL0", "CL1"])).map({True: "user", False: "never"}).rename(label)
    return frame.drop(columns=LEAKS.get(name, [])), y
