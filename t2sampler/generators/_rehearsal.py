"""What a team would ask: the store's answers replayed, all else measured."""

import json
import weakref

import numpy as np

from t2sampler._records import Estimate
from t2sampler.exceptions import ReplayError
from t2sampler.generators._drawing import Drawing, Sheet
from t2sampler.generators._tokens import count_request, count_tokens
from t2sampler.llm._base import Usage
from t2sampler.llm._budget import cost_of
from t2sampler.llm._line import open_line

PER_RULE = 25  # tokens of a rule that a manager proposes; about one for each column


class Rehearsal:
    """A team that asks nobody.

    Parameters
    ----------
    team : LLMTeam
        Started, without a plan.
    frame : DataFrame of shape (n_rows, n_features)
    target : Series of shape (n_rows,)
    from_store : bool
        False: nothing is taken from the store.

    Attributes
    ----------
    plan_ : Plan
        The manager's, where it is stored; else one from the data.
    seed_ : int
    n_drawn : int
        Batches that are stored whole, from the first on.
    """

    def __init__(self, team, frame, target, *, from_store):
        self._team, self.n_drawn = team, 0
        self._stored, self._bills = set(), {}
        self._line = None  # without a store nothing is answered
        if from_store and team.store is not False:
            self._line = open_line(store=team.store, mode="replay", chats=team._chats())
            weakref.finalize(self, self._line.close).atexit = False
        self._asked = None
        try:
            team._set_plan(frame, target, self._complete)
            self._manager = []
        except ReplayError:
            self._manager = [self._bill_manager(frame)]
            plan, team.plan = team.plan, team._guess_plan(frame)
            team.workers = {}  # nobody knows yet which components there will be
            team._set_plan(frame, target, self._complete)
            team.plan = plan
        self.plan_, self.seed_ = team.plan_, team.seed_
        self._posts = team._make_posts(self._complete)

    def draw(self, requests):
        """Yield batches as long as the store holds them whole."""
        for request in requests if not self._manager else ():
            drawing = self._open([request])
            if self._walk(drawing):
                return
            self.n_drawn = max(self.n_drawn, request.index + 1)
            yield drawing.finish(0)[0]

    def count_calls(self, requests, n_sure):
        """Return what batches would take: the first ``n_sure``, and all of them.

        Parameters
        ----------
        requests : list of Request
        n_sure : int

        Returns
        -------
        estimate : Estimate
        """
        bills, is_fresh = [], bool(self._manager) or self._line is None
        for place, request in enumerate(requests):
            left = None if is_fresh else self._walk(self._open([request]))
            typical = self._typical_bills(request)  # after the walk: it takes numbers
            left = range(len(typical)) if left is None else left
            is_fresh = is_fresh or (place >= n_sure and len(left) == len(typical))
            bills.append([typical[i] for i in left if typical[i] is not None])
        low, high = sum(bills[:n_sure], self._manager), sum(bills, self._manager)
        return _add_up(low, high, len(self._stored))

    def _complete(self, request):
        self._asked = request
        if self._line is None:
            raise ReplayError("Nothing is kept.")
        reply = self._line.complete(request)
        self._stored.add((request.messages, request.seed, request.attempt))
        return reply

    def _open(self, requests):
        return Drawing(self._posts, self._team.schema_, requests)

    def _walk(self, drawing):
        """Do the jobs of one batch as far as they are stored; return those left."""
        left = []
        for stage, post in enumerate(drawing.posts):
            if set(post.parents) & set(left):
                left.append(stage)
                continue
            try:
                drawing.work(0, stage)
            except ReplayError:
                left.append(stage)
        return left

    def _typical_bills(self, request):
        """Return a bill per post of such a batch; None where nobody is asked."""
        form = request.n_rows, request.labels is not None
        if form not in self._bills:
            drawing = self._open([request])
            sheet = self._typical_sheet(drawing.sheets[0])
            self._bills[form] = [
                self._bill_post(drawing, sheet, post) for post in drawing.posts
            ]
        return self._bills[form]

    def _typical_sheet(self, sheet):
        """Return a sheet that real rows fill."""
        briefing, n_rows = self._team._briefing, len(sheet.labels)
        rows = np.linspace(0, len(briefing.labels) - 1, n_rows).astype(int)
        return Sheet(
            sheet.request,
            briefing.codes[rows],
            briefing.labels[rows],
            sheet.noise,
            sheet.are_wanted,
        )

    def _bill_post(self, drawing, sheet, post):
        rows = np.arange(len(sheet.labels))
        task = drawing.task(sheet, post, rows)
        request = post.chat and post.worker.question(task)
        if not request:
            return None
        briefing = self._team._briefing
        if post.is_label:
            keys = ["ok"] if sheet.are_wanted else ["y"]
        else:
            keys = [briefing.key_of(column.name) for column in task.columns]
        rows = np.linspace(0, len(briefing.labels) - 1, len(rows)).astype(int)
        reply = [self._typical_row(int(row), keys) for row in rows]
        text = json.dumps({"rows": reply}, separators=(",", ":"))
        return post.chat, count_request(request), count_tokens(text)

    def _typical_row(self, row, keys):
        if keys == ["ok"]:
            return {"i": 10, "ok": True}
        values = self._team._briefing.spell_example(row, keys)
        return {"i": 10, **dict(zip(keys, values, strict=True))}

    def _bill_manager(self, frame):
        plan = self._team._guess_plan(frame)
        n_output = count_tokens(repr(plan)) + PER_RULE * len(frame.columns)
        return self._asked.chat, count_request(self._asked), n_output


def _add_up(low, high, n_stored):
    """Return bills as an estimate."""
    sums = []
    for bills in (low, high):
        known = all(chat.prices is not None for chat, _, _ in bills)
        cost = None
        if known:
            usages = [(chat.prices, Usage(*tokens)) for chat, *tokens in bills]
            cost = sum((cost_of(*pair) for pair in usages), 0.0)
        n_input, n_output = (sum(bill[k] for bill in bills) for k in (1, 2))
        sums.append((len(bills), n_input, n_output, cost))
    calls, inputs, outputs, costs = zip(*sums, strict=True)
    cost = None if None in costs else costs
    return Estimate(calls, inputs, outputs, cost, n_stored)
