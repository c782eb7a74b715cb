"""Textures of H-TDBU: what fills in the rows whose skeleton is drawn."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from t2sampler._encoding import hash_rows
from t2sampler._records import Batch, Request
from t2sampler._schema import UNSEEN
from t2sampler.exceptions import GeneratorError
from t2sampler.generators._base import fit_generator
from t2sampler.generators._statistical_team import StatisticalTeam
from t2sampler.team._chain import Chain
from t2sampler.team._equations import find_equations
from t2sampler.team._selection import CopyDetector
from t2sampler.team._skeleton import obey

N_REDRAWS = 10  # of the texture of a row that breaks a rule
N_SKELETONS = 3  # of a row for which no texture will do
N_TRIED = 500  # rows that tell how often drawn rows repeat real ones
COPY = "repeats a real row"
POOL_PER_ROW, MAX_POOLS = 3, 3  # rows of a generator that are tried for each skeleton


@dataclass
class Wanted:
    """Rows to draw for several requests, each with its own random stream.

    Attributes
    ----------
    labels : int ndarray of shape (n_rows,)
        Request by request.
    sizes : list of int
    rngs : list of Generator
    """

    labels: np.ndarray
    sizes: list
    rngs: list

    def uniforms(self, n):
        """Return n random numbers per row, each request's from its own stream."""
        parts = [
            rng.random((size, n))
            for size, rng in zip(self.sizes, self.rngs, strict=True)
        ]
        return np.concatenate([np.empty((0, n)), *parts])

    def take(self, mask):
        """Return what is wanted of some rows."""
        ends = np.cumsum(self.sizes)[:-1]
        sizes = [int(part.sum()) for part in np.split(mask, ends)]
        return Wanted(self.labels[mask], sizes, self.rngs)


class ChainTexture:
    """Models column by column; columns that rules tie are copied from one real row.

    Parameters
    ----------
    table : RuledTable
    groups : list of RuleGroup
    kind : {"forest", "boosting"}
    min_leaf : int
    """

    def __init__(self, table, groups, kind, min_leaf):
        rows = table.rows
        tight = [
            group
            for group in groups
            if table.is_tight(group) and not table.is_whole(group.columns)
        ]
        tied = [group.columns for group in tight]
        order = table.order_columns()
        self._chain = Chain(rows.schema.columns, tied, order, kind, min_leaf)
        donors = {group.columns: table.find_donors(group) for group in tight}
        in_order = [donors[block] for block in self._chain.tied]
        self._chain.fit(rows.codes, rows.labels.astype(np.intp), in_order)
        self.tied = {j for block in tied for j in block}

    def draw_skeleton(self, wanted):
        """Return codes in which only the columns that rules tie are drawn."""
        uniforms = wanted.uniforms(self._chain.n_tied_uniforms)
        return self._chain.write(wanted.labels, uniforms)

    def fill(self, wanted, skeleton):
        """Return codes of whole rows, and which rows there are: all."""
        uniforms = wanted.uniforms(self._chain.n_uniforms)
        codes = self._chain.write(wanted.labels, uniforms, skeleton)
        return codes, np.ones(len(codes), dtype=bool)


class GeneratorTexture:
    """Rows of another generator, of which those are taken that fit a skeleton.

    The skeleton is the levels of the columns that rules tie. A `StatisticalTeam` is
    asked for rows that have them; of any other generator more rows are drawn than are
    wanted, and where none fits, one of the same class is given the levels.

    Parameters
    ----------
    table : RuledTable
    groups : list of RuleGroup
    generator : object with ``fit`` and ``draw``
        Not fitted.
    """

    def __init__(self, table, groups, generator):
        rows = self._rows = table.rows
        columns = rows.schema.columns
        levels, donors = [], []
        for group in groups:
            own = tuple(j for j in group.columns if not columns[j].is_numeric)
            if own and table.is_tight(group) and not table.is_whole(own):
                levels.append(own)
                donors.append(table.find_donors(group))
        self.levels = [j for block in levels for j in block]
        self._chain = Chain(columns, levels, self.levels)
        self._chain.fit(rows.codes, rows.labels.astype(np.intp), donors)
        self.generator, self.tied = generator, set(self.levels)
        fit_generator(generator, rows)

    def draw_skeleton(self, wanted):
        """Return codes in which only the levels that rules tie are drawn."""
        return self._chain.write(wanted.labels, wanted.uniforms(self._chain.n_uniforms))

    def fill(self, wanted, skeleton):
        """Return codes of whole rows, and which rows there are."""
        codes = np.full((len(wanted.labels), len(self._rows.schema.columns)), np.nan)
        is_open, rest = np.ones(len(codes), dtype=bool), []
        if self.levels and isinstance(self.generator, StatisticalTeam):
            self._ask_team(codes, is_open, skeleton, wanted)
        keys = self._number(skeleton, wanted.labels)
        for _ in range(MAX_POOLS):
            if not is_open.any():
                break
            pool, labels, source = self._draw_pool(wanted.take(is_open))
            of_pool = np.column_stack([source, self._number(pool, labels)])
            found = _match(self._with_source(wanted, keys)[is_open], of_pool)
            places = np.flatnonzero(is_open)[found >= 0]
            codes[places], is_open[places] = pool[found[found >= 0]], False
            left = np.setdiff1d(np.arange(len(pool)), found)
            rest.append((pool[left], np.column_stack([source, labels])[left]))
        if is_open.any():
            self._impose(codes, is_open, skeleton, wanted, rest)
        return codes, ~is_open

    def _impose(self, codes, is_open, skeleton, wanted, rest):
        """Give the levels to rows of the same class, where no row has them."""
        pools, keys = (np.concatenate(parts) for parts in zip(*rest, strict=True))
        found = _match(self._with_source(wanted, wanted.labels)[is_open], keys)
        places = np.flatnonzero(is_open)[found >= 0]
        codes[places] = pools[found[found >= 0]]
        codes[np.ix_(places, self.levels)] = skeleton[np.ix_(places, self.levels)]
        is_open[places] = False

    def _ask_team(self, codes, is_open, skeleton, wanted):
        """Ask the team for rows with the levels, a call per distinct skeleton."""
        keys = self._with_source(wanted, self._number(skeleton, wanted.labels))
        columns = self._rows.schema.columns
        names = self._rows.schema.label_values
        _, firsts, place = np.unique(
            keys, axis=0, return_index=True, return_inverse=True
        )
        for number, first in enumerate(firsts):
            rows = np.flatnonzero(place.reshape(-1) == number)
            given = {
                columns[j].name: columns[j].decode(skeleton[[first], j]).tolist()
                for j in self.levels
            }
            seed = int(wanted.rngs[keys[first, 0]].integers(2**31))
            own = {"label": names[wanted.labels[first]], "random_state": seed}
            try:
                X, _ = self.generator.draw_conditional(len(rows), given, **own)
            except GeneratorError:  # so rare that no candidate has it
                continue
            codes[rows], is_open[rows] = self._rows.schema.encode(X), False

    def _draw_pool(self, wanted):
        """Return codes, label codes and the request of rows that may fit."""
        schema, ends = self._rows.schema, np.cumsum(wanted.sizes)[:-1]
        requests = []
        for number, own in enumerate(np.split(wanted.labels, ends)):
            labels = np.repeat(own, POOL_PER_ROW if self.levels else 1)
            if len(labels):  # else nothing is taken from the stream of the request
                named = schema.target.decode(labels.astype(float)).to_numpy()
                rng = np.random.default_rng(wanted.rngs[number].integers(2**63))
                requests.append(Request(number, len(labels), named, rng))
        batches = list(self.generator.draw(requests))
        X = pd.concat([self._rows.frame.iloc[:0], *(batch.X for batch in batches)])
        y = pd.concat([self._rows.target.iloc[:0], *(batch.y for batch in batches)])
        numbers = [batch.index for batch in batches]
        source = np.repeat(numbers, [len(batch.X) for batch in batches]).astype(np.intp)
        codes, labels = schema.encode(X), schema.target.encode(y)
        is_known = ~(codes == UNSEEN)[:, self._places_of_levels()].any(axis=1)
        return codes[is_known], labels[is_known].astype(np.intp), source[is_known]

    def _places_of_levels(self):
        columns = self._rows.schema.columns
        return [j for j, c in enumerate(columns) if c.is_modelled and not c.is_numeric]

    def _number(self, codes, labels):
        """Return a number per row, equal where label and levels are."""
        cells = np.column_stack([labels, codes[:, self.levels]])
        return hash_rows(cells).view(np.int64)

    def _with_source(self, wanted, keys):
        source = np.repeat(np.arange(len(wanted.sizes)), wanted.sizes)
        return np.column_stack([source, keys])


class RuledWriter:
    """Draw rows of which every one obeys the rules.

    Numbers that follow from others by a rule are computed, unless the texture ties
    them. A row that breaks a rule, or repeats a real row, has its texture drawn again,
    at most ten times. Then numbers of a row that is still a copy are moved (of a chain
    of models), and the columns of the rules that a row breaks are copied from a real
    row that obeys them with this label. What is still wrong is drawn anew, at most
    twice, and then refused. Copies of real rows may stay up to the share of real rows
    that repeat each other.

    Parameters
    ----------
    table : RuledTable
    rules : sequence of rules
    texture : ChainTexture or GeneratorTexture
    """

    def __init__(self, table, rules, texture):
        self._table, self._rules, self._texture = table, list(rules), texture
        self.tied = texture.tied
        schema = table.rows.schema
        groups = table.find_groups(rules)
        # A group of all columns is a whole row, and rows are not repeated.
        repaired = [g for g in groups if g.columns and not table.is_whole(g.columns)]
        self._donors = [(group, table.find_donors(group)) for group in repaired]
        loose = [g for g in groups if not self.tied & set(g.columns)]
        loose = [rule for group in loose for rule in group.rules]
        self._equations = find_equations(loose, schema.columns)
        self._copies = CopyDetector().fit(table.rows.codes[:, schema.modelled])
        self._keep = self._find_share_to_keep()

    def _find_share_to_keep(self):
        """Return the share of copies that may stay, as real rows repeat each other."""
        allowed = self._copies.repeat_rate_
        if not allowed:
            return 0.0
        rng, labels = np.random.default_rng(0), self._table.rows.labels
        labels = labels[rng.integers(len(labels), size=N_TRIED)].astype(np.intp)
        wanted = Wanted(labels, [N_TRIED], [rng])
        codes, exists = self._fill(wanted, self._texture.draw_skeleton(wanted))
        copied = self._repeat(codes[exists]).mean() if exists.any() else 0.0
        return min(1.0, allowed / copied) if copied else 1.0

    def write(self, wanted):
        """Return codes of shape (n_rows, n_columns), and what is wrong with each row.

        Parameters
        ----------
        wanted : Wanted

        Returns
        -------
        codes : float ndarray
        reasons : object ndarray of shape (n_rows,)
            "" where nothing is wrong.
        """
        codes, reasons = self._write_once(wanted)
        for _ in range(N_SKELETONS - 1):
            is_again = reasons != ""
            if not is_again.any():
                break
            part = self._write_once(wanted.take(is_again))
            codes[is_again], reasons[is_again] = part
        return codes, reasons

    def _write_once(self, wanted):
        may_repeat = np.full(len(wanted.labels), self._keep == 1)
        if 0 < self._keep < 1:
            may_repeat = wanted.uniforms(1)[:, 0] < self._keep
        skeleton = self._texture.draw_skeleton(wanted)
        codes, exists = self._fill(wanted, skeleton)
        to_check = np.arange(len(codes))
        for _ in range(N_REDRAWS):
            is_sound = obey(self._rules, self._join(codes, wanted.labels, to_check))
            is_copy = self._repeat(codes[to_check]) & ~may_repeat[to_check]
            to_check = to_check[~exists[to_check] | is_copy | ~is_sound]
            if not len(to_check):
                break
            is_again = np.isin(np.arange(len(codes)), to_check)
            part = wanted.take(is_again)
            codes[to_check], exists[to_check] = self._fill(part, skeleton[to_check])
        is_copy = exists & self._repeat(codes) & ~may_repeat
        if isinstance(self._texture, ChainTexture) and is_copy.any():
            self._move_numbers(codes, wanted.take(is_copy), skeleton, is_copy)
        self._copy_from_donors(codes, wanted, np.flatnonzero(exists))
        reasons = self._find_reasons(codes, wanted.labels, exists)
        reasons[(reasons == "") & self._repeat(codes) & ~may_repeat] = COPY
        return codes, reasons

    def _fill(self, wanted, skeleton):
        """Return codes of rows in which numbers follow from others, and which exist."""
        codes, exists = self._texture.fill(wanted, skeleton)
        for equation in self._equations:
            codes = equation.solve(codes)
        return codes, exists

    def _move_numbers(self, codes, part, skeleton, is_copy):
        """Move numbers of the texture half way to those of another draw, in place.

        A chain of forests copies values: where a class has few rows and the table few
        columns, it can draw nothing but rows that are there.
        """
        columns = self._table.rows.schema.columns
        own = codes[is_copy]
        other, _ = self._texture.fill(part, skeleton[is_copy])
        for j in self._table.rows.schema.modelled:
            if columns[j].is_numeric and j not in self.tied:
                own[:, j] = columns[j].snap((own[:, j] + other[:, j]) / 2)
        for equation in self._equations:
            own = equation.solve(own)
        codes[is_copy] = own

    def _repeat(self, codes):
        """Return which rows equal a real one."""
        modelled = self._table.rows.schema.modelled
        if not modelled:
            return np.zeros(len(codes), dtype=bool)
        return self._copies.are_copies(codes[:, modelled])

    def decode(self, codes, labels):
        """Return rows as a dataframe, and their labels."""
        schema = self._table.rows.schema
        return schema.decode(codes), schema.target.decode(labels.astype(float))

    def _join(self, codes, labels, rows):
        return self._table.join(*self.decode(codes[rows], labels[rows]))

    def _copy_from_donors(self, codes, wanted, rows):
        """Copy the columns of broken rules from rows that obey them, in place."""
        for group, (donors, of) in self._donors:
            breaks = ~obey(group.rules, self._join(codes, wanted.labels, rows))
            broken = np.isin(np.arange(len(codes)), rows[breaks])
            part = wanted.take(broken)
            uniforms = part.uniforms(1)[:, 0]
            order = np.argsort(of, kind="stable")
            low, high = (
                np.searchsorted(of[order], part.labels, side)
                for side in ("left", "right")
            )
            chosen = donors[order[low + (uniforms * (high - low)).astype(np.intp)]]
            real = self._table.rows.codes
            codes[np.ix_(broken, group.columns)] = real[np.ix_(chosen, group.columns)]

    def _find_reasons(self, codes, labels, exists):
        reasons = np.full(len(codes), "", dtype=object)
        reasons[~exists] = "no row of this class was drawn"
        rows = np.flatnonzero(exists)
        frame = self._join(codes, labels, rows)
        is_sound = obey(self._rules, frame)
        for rule in [] if is_sound.all() else self._rules:
            breaks = rows[~obey([rule], frame)]
            reasons[breaks[reasons[breaks] == ""]] = rule.name
        return reasons


def draw_together(writer, table, requests, find_wanted):
    """Yield a batch per request, all drawn in one pass.

    Parameters
    ----------
    writer : RuledWriter
    table : RuledTable
    requests : list of Request
    find_wanted : callable
        From labels to their codes.
    """
    real = table.rows.labels.astype(np.intp)
    labels = []
    for request in requests:
        codes = find_wanted(request.labels)
        if codes is None:
            codes = real[request.rng.integers(len(real), size=request.n_rows)]
        labels.append(codes)
    sizes = [len(codes) for codes in labels]
    wanted = Wanted(np.concatenate(labels), sizes, [r.rng for r in requests])
    codes, reasons = writer.write(wanted)
    is_sound, stop = reasons == "", 0
    for request, size in zip(requests, sizes, strict=True):
        start, stop = stop, stop + size
        own = np.arange(start, stop)
        kept, lost = own[is_sound[start:stop]], own[~is_sound[start:stop]]
        X, y = writer.decode(codes[kept], wanted.labels[kept])
        refused = None
        if len(lost):
            refused = table.join(*writer.decode(codes[lost], wanted.labels[lost]))
            refused = refused.assign(reason=reasons[lost])
        yield Batch(request.index, X, y, refused)


def _match(wanted, pool):
    """Return for each wanted key a row of the pool that has it, each once; -1: none."""
    tables = []
    for keys in (wanted, pool):
        table = pd.DataFrame(keys)
        tables.append(table.assign(rank=table.groupby([0, 1]).cumcount()))
    tables[1]["row"] = np.arange(len(pool))
    merged = tables[0].merge(tables[1], how="left", on=[0, 1, "rank"])
    return merged["row"].fillna(-1).to_numpy(dtype=np.intp)
