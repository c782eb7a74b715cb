"""What every generator is: `fit` on real rows, `draw` a batch per request."""

from abc import ABC, abstractmethod

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from t2sampler._schema import TableSchema
from t2sampler._table import open_table
from t2sampler.exceptions import GeneratorError


class BaseGenerator(BaseEstimator, ABC):
    """Propose rows: derive from this to write a generator of your own.

    ``fit`` learns from real rows. ``draw`` yields one `Batch` per `Request`, in the
    order of the requests. A request holds the batch's ``index``, its number of rows
    ``n_rows``, the wanted ``labels`` (an array with one per row, or None where the
    generator chooses) and ``rng``, the batch's own random stream; whatever is random
    about a batch comes from that stream, so that the same request gives the same rows
    whatever else is drawn. Rows come in the dtypes of the real table; a generator that
    cannot give as many rows as wanted gives fewer, and puts what it cannot read into
    ``Batch.refused``, with a column "reason"; one that can give no more yields fewer
    batches, which ends the drawing. `testing.check_generator` tells whether all this is
    kept. Of a fitted generator the sampler also takes, where they are there, ``plan_``
    and its rules, ``notes_`` and ``usage_`` for the report, ``seed_`` in place of a
    missing ``random_state``, and ``stop_reason_``, why it gave no more.

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

    def dry_run(self, X, y, schema=None, *, from_store):
        """Return what tells the costs of a run before it, or None if it costs nothing.

        Parameters
        ----------
        X : DataFrame of shape (n_rows, n_features)
        y : Series of shape (n_rows,)
        schema : TableSchema, default=None
        from_store : bool
            Whether answers in the store count.

        Returns
        -------
        dry_run : object or None
            It draws what is stored (``draw``), counts it (``n_drawn``), and tells what
            the rest takes (``count_calls(requests, n_sure)``).
        """

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

    def _open(self, X, y, schema):
        """Return real rows as dataframe and series, and their schema."""
        if schema is not None:
            return X, y, schema
        table = open_table(X, y)
        return table.frame, table.target, TableSchema.learn(table.frame, table.target)

    def _wanted_codes(self, labels):
        """Return the code of each wanted label, or None where none is wanted.

        Raises
        ------
        GeneratorError
            A label that no real row has.
        """
        if labels is None:
            return None
        labels = pd.Series(labels)
        codes = self.schema_.target.encode(labels)
        codes = np.where(codes >= 0, codes, -1).astype(np.intp)
        n_real = np.array([*self.schema_.n_per_label.values(), 0])[codes]  # -1: the 0
        if (n_real == 0).any():
            raise GeneratorError(
                f"{type(self).__name__} expected labels that real rows have, got "
                f"{labels[n_real == 0].iloc[0]}. It learns a class from its rows: give "
                "it some, or use a generator that can write unseen classes, such as "
                "LLMTeam."
            )
        return codes


def read_optional(generator, name):
    """Return what a generator may offer beyond `fit` and `draw`, or its default."""
    return getattr(generator, name, getattr(BaseGenerator, name))
