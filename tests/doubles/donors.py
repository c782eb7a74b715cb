"""Times to store, and tables that take on rows of donors."""

import datetime as dt

import numpy as np
import pandas as pd

from t2sampler._containers import open_container

ZONE = "Europe/Berlin"
TIMES = [
    dt.datetime(2024, 3, 31, 4),
    dt.datetime(1999, 12, 31, 23, 59, 59),
    dt.datetime(2024, 1, 1),
    dt.datetime(1971, 5, 9, 7, 30),
]
DAYS = [time.date() for time in TIMES]


def append_donors(X, donors):
    """Append copies of real rows, as whoever fills a table would."""
    container = open_container(X)
    frame = container.frame
    assert frame.index.equals(pd.RangeIndex(len(frame)))
    new = frame.iloc[donors].reset_index(drop=True)
    return container.append(new, np.asarray(donors))
