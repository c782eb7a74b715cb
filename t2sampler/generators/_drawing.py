"""The batches of one call of `draw`: what was asked, written and refused so far."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from t2sampler._records import Batch, put_beside
from t2sampler.exceptions import GeneratorError
from t2sampler.generators._posts import ancestors_of
from t2sampler.team._worker import RowTask

NO_VALUE = "{}: a value is missing, and the column cannot hold that"
COPY = "a copy of a real row"


@dataclass
class Sheet:
    """A batch being written: a line per row, filled in column by column.

    Its rows lie in an order of their own: row k is the ``order[k]``-th of the request.
    """

    request: object
    order: np.ndarray
    codes: np.ndarray
    labels: np.ndarray
    noise: np.ndarray
    are_wanted: bool
    faults: dict = field(default_factory=dict)  # post -> {row: why}
    mended: dict = field(default_factory=dict)  # post -> {what was done: times}


class Drawing:
    """All sheets of a call of `draw`, and the job of one post on one of them.

    What a post sees is what those wrote whom it waits for, whoever else is at work: a
    row they could not write is not asked for, one that others could not is.

    Parameters
    ----------
    posts : list of Post
    briefing : Briefing
    requests : list of Request
    """

    def __init__(self, posts, briefing, requests):
        self.posts, self.briefing = posts, briefing
        self.schema = schema = briefing.schema
        self._ancestors = ancestors_of(posts)
        self._shares = _label_shares(schema)
        width = 1 + sum(post.worker.n_uniforms for post in posts)
        self.sheets = [self._open(request, width) for request in requests]

    def work(self, batch, stage):
        """Have a post write its columns of a batch."""
        sheet, post = self.sheets[batch], self.posts[stage]
        rows = self._rows_left(sheet, self._ancestors[stage])
        if not len(rows):
            return
        answer = post.worker.write(self.task(sheet, post, rows))
        fine = np.ones(len(rows), dtype=bool)
        fine[list(answer.faults)] = False
        if post.is_label:
            sheet.labels[rows[fine]] = answer.codes[fine, 0].astype(np.intp)
        else:
            sheet.codes[np.ix_(rows[fine], post.columns)] = answer.codes[fine]
        sheet.faults[stage] = {int(rows[i]): why for i, why in answer.faults.items()}
        sheet.mended[stage] = dict(answer.mended)

    def task(self, sheet, post, rows):
        """Return what a post is asked for, beside what it is given."""
        columns = [self.schema.columns[j] for j in post.columns]
        return RowTask(
            (self.schema.target,) if post.is_label else tuple(columns),
            tuple(self.schema.columns[j] for j in post.reads),
            sheet.codes[np.ix_(rows, post.reads)],
            sheet.labels[rows],
            sheet.noise[rows, post.noise],
            (len(rows),),
            sheet.are_wanted,
        )

    def finish(self, batch):
        """Return a batch whose posts are all done, and let go of its sheet."""
        sheet, self.sheets[batch] = self.sheets[batch], None
        reasons = self._reasons(sheet)
        in_order = np.argsort(sheet.order)
        is_lost = np.isin(in_order, list(reasons))
        lost, kept = in_order[is_lost], in_order[~is_lost]
        X = self.schema.decode(sheet.codes[kept])
        y = self._labels(sheet.labels[kept])
        refused = self._list_refused(sheet, lost, reasons) if len(lost) else None
        mended = sum((Counter(count) for count in sheet.mended.values()), Counter())
        return Batch(sheet.request.index, X, y, refused), mended

    def _open(self, request, width):
        shape = request.n_rows, len(self.schema.columns)
        noise = request.rng.random((request.n_rows, width))
        labels = np.searchsorted(self._shares[:-1], noise[:, 0], side="right")
        order = np.arange(request.n_rows)
        if request.labels is not None:  # labels in turn would be a pattern to follow
            order = request.rng.permutation(request.n_rows)
            labels = self._wanted(request.labels)[order]
        codes = np.full(shape, np.nan, order="F")
        are_wanted = request.labels is not None
        return Sheet(request, order, codes, labels, noise, are_wanted)

    def _wanted(self, labels):
        """Return the wanted label codes; fitted workers know those of real rows only.

        Raises
        ------
        GeneratorError
            A label that a worker cannot write.
        """
        labels = pd.Series(labels)
        codes = self.schema.target.encode(labels)
        codes = np.where(codes >= 0, codes, -1).astype(np.intp)
        n_real = np.array([*self.schema.n_per_label.values(), 0])[codes]
        fitted = [post.name for post in self.posts if post.chat is None]
        is_wrong = (codes < 0) | ((n_real == 0) & bool(fitted))
        if is_wrong.any():
            who = f"the fitted workers of {fitted}" if fitted else "the team"
            raise GeneratorError(
                f"LLMTeam expected labels that {who} know, got "
                f"{labels[is_wrong].iloc[0]}, which no real row has. Name it in "
                "`new_classes`, and give every component to a language model."
            )
        return codes

    def _rows_left(self, sheet, ancestors):
        lost = {row for place in ancestors for row in sheet.faults.get(place, ())}
        return np.array([i for i in range(len(sheet.labels)) if i not in lost], int)

    def _reasons(self, sheet):
        """Return why each lost row is lost; the first post in the plan's order says."""
        reasons = {}
        for place, post in enumerate(self.posts):
            for row, why in sheet.faults.get(place, {}).items():
                reasons.setdefault(row, why if post.is_label else f"{post.name}: {why}")
        for j, column in enumerate(self.schema.columns):
            if column.is_learnable and not column.can_be_missing:
                for row in np.flatnonzero(np.isnan(sheet.codes[:, j])):
                    reasons.setdefault(int(row), NO_VALUE.format(column.name))
        copies = self.briefing.are_copies(sheet.codes)
        found = [row for row in np.flatnonzero(copies).tolist() if row not in reasons]
        n_rows, dice = len(sheet.labels), float(sheet.noise[0, 0])  # rounds by chance
        n_allowed = int(self.briefing.copies_allowed * n_rows + dice)
        return reasons | dict.fromkeys(found[n_allowed:], COPY)

    def _labels(self, codes):
        target = self.schema.target.decode(codes.astype(float))
        return target.set_axis(pd.RangeIndex(len(codes)))

    def _list_refused(self, sheet, rows, reasons):
        """Return lost rows with the values they got, the reason beside them."""
        codes = sheet.codes[rows]
        values = {
            j: _show_some(column, codes[:, j])
            for j, column in enumerate(self.schema.columns)
        }
        frame = pd.DataFrame(values, index=pd.RangeIndex(len(rows)))
        frame.columns = pd.Index(self.schema.names)
        labels = self._labels(sheet.labels[rows]).to_numpy(dtype=object)
        if not sheet.are_wanted:  # the label worker comes last, and never saw the row
            labels = np.full(len(rows), None, dtype=object)
        books = {
            "batch": sheet.request.index,
            "label": labels,
            "dropped_by": "refused",
            "reason": [reasons[int(row)] for row in rows],
        }
        return put_beside(pd.DataFrame(books), frame)


def _label_shares(schema):
    """Return the shares, added up, by which labels are drawn where none is wanted.

    A class without real rows has as many as the rarest with some.
    """
    counts = np.array(list(schema.n_per_label.values()), dtype=float)
    counts[counts == 0] = counts[counts > 0].min()
    return np.cumsum(counts) / counts.sum()


def _show_some(column, codes):
    """Return values where there are any, in a series that has room for gaps."""
    values = pd.Series(None, index=range(len(codes)), dtype=object)
    there = np.flatnonzero(~np.isnan(codes))
    if len(there):
        values.iloc[there] = column.decode(codes[there]).to_numpy(dtype=object)
    return values
