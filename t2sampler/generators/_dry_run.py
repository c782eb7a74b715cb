"""Count what a team would ask: stored replies are replayed, all else is measured."""

import json
import weakref
from dataclasses import replace

import numpy as np

from t2sampler._records import Estimate
from t2sampler.chat._chat_worker import split_rows
from t2sampler.chat._manager import single_worker_plan
from t2sampler.exceptions import ReplayError
from t2sampler.generators._llm_batch import Drawing
from t2sampler.llm._base import Usage
from t2sampler.llm._budget import cost_of
from t2sampler.llm._session import open_session
from t2sampler.llm._tokens import count_request, count_tokens

PER_RULE = 25  # tokens of a rule that a manager proposes; about one for each column


class DryRun:
    """A team that is fitted on stored replies, and asks no model.

    Parameters
    ----------
    team : LLMTeam
        Started, without a plan.
    from_store : bool
        False: nothing is taken from the store.

    Attributes
    ----------
    plan_ : Plan
        That of the fit, where it is known; else one from the data.
    seed_ : int
    n_drawn : int
        Batches that are stored whole, from the first on.
    """

    def __init__(self, team, *, from_store):
        self.team = team
        self.from_store = from_store

    def fit(self, frame, target):
        """Find the plan, or those between which the team's plan will be.

        Parameters
        ----------
        frame : DataFrame of shape (n_rows, n_features)
        target : Series of shape (n_rows,)
        """
        team, self.n_drawn = self.team, 0
        self._stored, self._bills = set(), {}
        self._session = None  # without a store nothing is answered
        if self.from_store and team.store is not False:
            self._session = open_session(
                store=team.store, mode="replay", chats=team._chats()
            )
            weakref.finalize(self, self._session.close).atexit = False
        self._asked = None
        try:
            plans = [team._find_plan(frame, self._complete)[0]]
            self._manager = []
        except ReplayError:
            # The manager may give all columns to one worker, or plan as the data does.
            plans = [single_worker_plan(team._prompt_context), team._guess_plan(frame)]
            self._manager = [self._bill_manager(plans[-1], PER_RULE)]
            self._manager_low = [self._bill_manager(plans[0], 0)]
        self.plan_, self.seed_ = plans[-1], team.seed_
        fitted = team._fit_workers(self.plan_, frame, target)
        posts = [team._make_posts(plan, fitted, self._complete) for plan in plans]
        self._posts_low, self._posts = posts[0], posts[-1]
        return self

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
        bills, is_fresh = [], bool(self._manager) or self._session is None
        for place, request in enumerate(requests):
            left = None if is_fresh else self._walk(self._open([request]))
            typical = self._typical_bills(request)  # after the walk: it takes numbers
            left = range(len(typical)) if left is None else left
            is_fresh = is_fresh or (place >= n_sure and len(left) == len(typical))
            bills.append([bill for i in left for bill in typical[i]])
        high = sum(bills, self._manager)
        low = sum(bills[:n_sure], self._manager)
        if self._manager:
            least = (self._typical_bills(r, is_low=True) for r in requests[:n_sure])
            bills = [bill for parts in least for part in parts for bill in part]
            low = self._manager_low + bills
        return _add_up(low, high, len(self._stored))

    def _complete(self, request):
        self._asked = request
        if self._session is None:
            raise ReplayError("Nothing is kept.")
        reply = self._session.complete(request)
        self._stored.add((request.messages, request.seed, request.attempt))
        return reply

    def _open(self, requests, *, is_low=False):
        posts = self._posts_low if is_low else self._posts
        return Drawing(posts, self.team._prompt_context, requests)

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

    def _typical_bills(self, request, *, is_low=False):
        """Return the bills of each post for such a batch."""
        form = request.n_rows, request.labels is not None, is_low
        if form not in self._bills:
            drawing = self._open([request], is_low=is_low)
            sheet = self._typical_sheet(drawing.sheets[0])
            self._bills[form] = [
                self._bill_post(drawing, sheet, post) for post in drawing.posts
            ]
        return self._bills[form]

    def _typical_sheet(self, sheet):
        """Return a sheet that real rows fill."""
        context, n_rows = self.team._prompt_context, len(sheet.labels)
        rows = np.linspace(0, len(context.labels) - 1, n_rows).astype(int)
        return replace(sheet, codes=context.codes[rows], labels=context.labels[rows])

    def _bill_post(self, drawing, sheet, post):
        """Return a bill per question; none where nobody is asked."""
        task = drawing.task(sheet, post, np.arange(len(sheet.labels)))
        if post.chat is None or post.worker.question(task) is None:
            return []
        n_real, bills = len(self.team._prompt_context.labels), []
        for rows in split_rows(range(len(sheet.labels)), post.worker.max_rows):
            request = post.worker.question(task, rows)
            typical = np.linspace(0, n_real - 1, len(rows)).astype(int).tolist()
            reply = {"rows": [self._typical_row(row, post) for row in typical]}
            n_output = count_tokens(json.dumps(reply, separators=(",", ":")))
            bills.append((post.chat, count_request(request), n_output))
        return bills

    def _typical_row(self, row, post):
        context, keys = self.team._prompt_context, post.worker.keys
        if post.is_label and keys != [context.label_key]:
            return {"i": 10, **dict.fromkeys(keys, 0.25)}
        return {"i": 10, **context.format_row(row, keys)}

    def _bill_manager(self, plan, per_rule):
        """Return the bill of an answer that has this plan, and a rule per column."""
        n_output = count_tokens(repr(plan)) + per_rule * len(plan.columns)
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
