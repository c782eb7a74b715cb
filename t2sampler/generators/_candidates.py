"""Candidates of many requests in one pass: how many, for which labels, by what chance.

Everything about a request's candidates is a function of the request alone.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from t2sampler._records import Batch
from t2sampler.team._choice import choose

JUDGED, PLENTY, PLAIN = 3.0, 2.0, 1.5  # candidates per row: judged, of many, unjudged
GIVEN = 20.0  # candidates per row that has to meet conditions
EXTRA = 6  # and so many more per batch
LABEL, COPY, N_OWN = 0, 1, 2  # columns of noise that are not the workers'


@dataclass(frozen=True)
class Drawing:
    """What is wanted of several requests, and the candidates drawn for them.

    Attributes
    ----------
    requests : list of Request
    wanted : list of int ndarray
        Place of the wanted label among the classes, per row.
    sizes : tuple of int
        Candidates per request.
    noise : float ndarray of shape (n_candidates, n_uniforms)
        Each request's from its own stream.
    """

    requests: list
    wanted: list
    sizes: tuple
    noise: np.ndarray

    @property
    def batch(self):
        """Position of the request, per candidate."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    def count(self, n_classes):
        """Return wanted rows per request and class."""
        counts = [np.bincount(wanted, minlength=n_classes) for wanted in self.wanted]
        return np.array(counts).reshape(-1, n_classes)

    def meant(self):
        """Return the class each candidate is drawn for: the wanted ones in turn."""
        pairs = zip(self.wanted, self.sizes, strict=True)
        return np.concatenate([np.resize(wanted, size) for wanted, size in pairs])


def count_candidates(n_rows, per_row):
    """Return how many candidates a batch of ``n_rows`` rows needs."""
    return int(np.ceil(per_row * n_rows)) + EXTRA if n_rows else 0


def weigh(chances, n_rows, rng):
    """Return rows drawn by their chances, each once while there are enough.

    Examples
    --------
    >>> weigh(np.array([0, 0.5, 0, 0]), 3, np.random.default_rng(0)).tolist()
    [1, 1, 1]
    """
    with np.errstate(divide="ignore"):
        keys = np.log(chances) + rng.gumbel(size=len(chances))
    order = np.argsort(-keys, kind="stable")
    return np.resize(order[: np.count_nonzero(chances)], n_rows)


def start_drawing(requests, per_row, width, find_wanted):
    """Draw the noise of several requests, and find the labels they want.

    Parameters
    ----------
    requests : list of Request
    per_row : float
        Candidates per wanted row.
    width : int
        Uniforms per candidate.
    find_wanted : callable
        From requests and uniforms per row to classes per row.
    """
    sizes = tuple(count_candidates(r.n_rows, per_row) for r in requests)
    noise = np.empty((sum(sizes), width))
    uniforms, stop = [], 0
    for request, size in zip(requests, sizes, strict=True):
        start, stop = stop, stop + size
        request.rng.random(out=noise[start:stop])
        uniforms.append(noise[start : start + request.n_rows, LABEL])
    wanted = find_wanted(requests, np.concatenate(uniforms))
    ends = np.cumsum([request.n_rows for request in requests])
    return Drawing(requests, np.split(wanted, ends[:-1]), sizes, noise)


def pick_rows(drawing, lead, **settings):
    """Return a candidate and a class per wanted row, in the order wanted."""
    wanted = drawing.count(lead.shape[1])
    chosen, _ = choose(drawing.batch, lead, wanted, **settings)
    batch = np.repeat(np.arange(len(wanted)), wanted.sum(axis=1))
    classes = np.concatenate(drawing.wanted)
    rows = np.empty(len(chosen), dtype=np.intp)
    rows[np.lexsort((classes, batch))] = chosen
    return rows, classes


def cut_batches(requests, frame, target):
    """Cut rows drawn together into their batches."""
    stop = 0
    for request in requests:
        start, stop = stop, stop + request.n_rows
        X, y = frame.iloc[start:stop], target.iloc[start:stop]
        X.index = y.index = pd.RangeIndex(request.n_rows)
        yield Batch(request.index, X, y)
