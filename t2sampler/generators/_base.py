"""Base class of generators, and what a generator may offer beyond it."""

from abc import ABC, abstractmethod
from types import MethodType

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from t2sampler._params import DocLinkMixin
from t2sampler._table import open_real_rows
from t2sampler.exceptions import GeneratorError


class BaseGenerator(DocLinkMixin, BaseEstimator, ABC):
    """Propose rows: derive from this to write a generator of your own.

    ``fit`` learns from real rows. ``draw`` yields one `Batch` per `Request`, in the
    order of the requests. A request holds the batch's ``index``, its number of rows
    ``n_rows``, the wanted ``labels`` (an array with one per row, or None where the
    generator chooses) and ``rng``, the batch's own random stream; whatever is random
    about a batch comes from that stream, so that the same request gives the same rows
    whatever else is drawn. Rows come in the dtypes of the table that ``fit`` got; a
    sampler gives numbers and dates as such where they are stored as text, and text, ids
    and private values as missing. A generator that cannot give as many rows as wanted
    gives fewer, and puts what it cannot read into ``Batch.refused``, with a column
    "reason"; one that can give no more yields fewer batches, which ends the drawing.
    `testing.check_generator` tests all this.

    The attributes below are optional: the sampler reads them after ``fit`` or ``draw``,
    and a generator sets those that it has a value for.

    Attributes
    ----------
    plan_ : Plan or None, default=None
        Which worker writes which columns. Its rules are added to those of the sanity
        filter, and it is printed in the report.
    notes_ : tuple of str, default=()
        Notes for the report.
    usage_ : DataFrame or None, default=None
        Calls, tokens and cost per role, with the columns of ``RunReport.usage``, for
        the report and the progress bar. None: the generator asks no model.
    seed_ : int or None, default=None
        Seed of the run where the sampler has no ``random_state``. A generator that pays
        for rows makes one from the table and its settings, so that the same run again
        asks the same questions.
    stop_reason_ : str, default=""
        Why fewer batches than requested were drawn.
    text_follows_ : tuple of column names, default=()
        Columns whose levels the free text beside them has to suit: a new row takes its
        text from a real row that agrees in them.

    Examples
    --------
    >>> import numpy as np
    >>> from t2sampler import TeamThenTrimSampler
    >>> from t2sampler.generators import BaseGenerator, Batch
    >>> class RepeatRows(BaseGenerator):
    ...     def fit(self, X, y, schema=None):
    ...         self.X_, self.y_, self.schema_ = self._open(X, y, schema)
    ...         return self
    ...
    ...     def draw(self, requests):
    ...         y = self.y_.to_numpy()
    ...         for request in requests:
    ...             wanted = request.labels
    ...             if wanted is None:
    ...                 wanted = request.rng.choice(y, request.n_rows)
    ...             rows = [request.rng.choice(np.flatnonzero(y == k)) for k in wanted]
    ...             X_new, y_new = self.X_.iloc[rows], self.y_.iloc[rows]
    ...             yield Batch(
    ...                 request.index,
    ...                 X_new.reset_index(drop=True),
    ...                 y_new.reset_index(drop=True),
    ...             )
    >>> sampler = TeamThenTrimSampler(RepeatRows(), random_state=0)
    """

    plan_ = None
    notes_ = ()
    usage_ = None
    seed_ = None
    stop_reason_ = ""
    text_follows_ = ()

    @abstractmethod
    def fit(self, X, y, schema=None):
        """Learn from real rows.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
        y : Series or array-like of shape (n_rows,)
        schema : TableSchema, default=None
            What is known of the table; None: learned here.

        Returns
        -------
        self : estimator
        """

    @abstractmethod
    def draw(self, requests):
        """Yield a batch per request, in their order.

        Parameters
        ----------
        requests : iterable of Request

        Yields
        ------
        batch : Batch
        """

    def dry_run(self, X, y, schema=None, *, from_store=True):
        """Fit without asking a model, to count the calls that drawing would take.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
        y : Series or array-like of shape (n_rows,)
        schema : TableSchema, default=None
            What is known of the table; None: learned here.
        from_store : bool, default=True
            False: as for a table of which no reply is stored.

        Returns
        -------
        dry_run : object or None
            None here: this generator asks no model. Otherwise an object with
            ``draw(requests)``, which yields batches while the store holds all replies
            they need; ``n_drawn``, how many these were; ``count_calls(requests,
            n_sure)``, an ``Estimate`` of what ``requests`` take: low for the first
            ``n_sure`` of them, high for all; and ``plan_`` and ``seed_``.
        """

    def _fit_rows(self, rows):
        """Learn from real rows that the sampler has opened and encoded already."""
        return self.fit(rows.frame, rows.target, schema=rows.schema)

    def _open(self, X, y, schema):
        """Return real rows as dataframe and series, and their schema."""
        rows = self._open_rows(X, y, schema)
        return rows.frame, rows.target, rows.schema

    def _open_rows(self, X, y, schema):
        """Return ``Rows``, and remember whether the user or the sampler gave them."""
        self._writes_plain = schema is not None
        return open_real_rows(X, y, schema, getattr(self, "column_kinds", None))

    def _write(self, X):
        """Return drawn rows in the dtypes of the table that `fit` got."""
        return X if self._writes_plain else self.schema_.write(X)

    def _wanted_codes(self, labels):
        """Return the code of each wanted label, or None where none is wanted.

        Raises
        ------
        GeneratorError
            A label that no real row has.
        """
        if labels is None:
            return None
        codes, n_real = encode_wanted(labels, self.schema_)
        if (n_real == 0).any():
            raise GeneratorError(
                f"{type(self).__name__} expected labels that real rows have, got "
                f"{pd.Series(labels)[n_real == 0].iloc[0]}. It learns a class from its "
                "rows: give it some, or use a generator that can write unseen classes, "
                "such as LLMTeam."
            )
        return codes


def fit_generator(generator, rows):
    """Fit any generator on real rows that were opened already.

    Parameters
    ----------
    generator : object with ``fit`` and ``draw``
    rows : Rows
    """
    if isinstance(generator, BaseGenerator):
        generator._fit_rows(rows)
    else:
        generator.fit(rows.frame, rows.target, schema=rows.schema)


def encode_wanted(labels, schema):
    """Return the code of each wanted label, and how many real rows have it.

    Parameters
    ----------
    labels : array-like of shape (n_rows,)
    schema : TableSchema

    Returns
    -------
    codes : int ndarray of shape (n_rows,)
        -1 for a label that the schema does not have.
    n_real : int ndarray of shape (n_rows,)
    """
    codes = schema.target.encode(pd.Series(labels))
    codes = np.where(codes >= 0, codes, -1).astype(np.intp)
    n_per_label = np.array([*schema.n_per_label.values(), 0])  # the last one is for -1
    return codes, n_per_label[codes]


def read_optional(generator, name):
    """Return what a generator offers beyond `fit` and `draw`, or the default.

    A generator need not derive from `BaseGenerator`; what it lacks is taken from there.

    Parameters
    ----------
    generator : object with ``fit`` and ``draw``
    name : str
        Of an attribute or method of `BaseGenerator`.

    Examples
    --------
    >>> class Plain:
    ...     notes_ = ("A note.",)
    >>> read_optional(Plain(), "notes_"), read_optional(Plain(), "stop_reason_")
    (('A note.',), '')
    >>> read_optional(Plain(), "dry_run")(X=[[1]], y=[0]) is None
    True
    """
    if hasattr(generator, name):
        return getattr(generator, name)
    default = getattr(BaseGenerator, name)
    return MethodType(default, generator) if callable(default) else default
