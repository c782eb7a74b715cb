"""Count what a team of language models would ask, plan included."""

import json
from dataclasses import replace
from itertools import chain

import numpy as np

from t2sampler.chat._chat_worker import split_rows
from t2sampler.exceptions import ReplayError
from t2sampler.generators._dry_run import add_up, count_batches
from t2sampler.generators._llm_batch import BatchWriter
from t2sampler.llm._tokens import count_request, count_tokens

TOKENS_PER_RULE = 25  # of a rule that a manager proposes; about one for each column
TYPICAL_NUMBER = 10  # of a row in a reply
TYPICAL_PROBABILITY = 0.25  # of a class in a label worker's reply


class TeamDryRun:
    """A fitted team that asks no model.

    Where the manager's reply is not stored, the plan is not known: then calls are
    counted for the plan with the fewest and for one with many.

    Parameters
    ----------
    context : PromptContext
    plans : list of Plan
        The plan of the team; or, where it is not known, the cheapest and a typical one.
    steps : list of list of WorkerStep
        Of each plan; their workers ask ``replay``.
    replay : Replay
        Its last request is the manager's, where the plan is not known.
    seed : int

    Attributes
    ----------
    plan_ : Plan
        That of the fit, where it is known; else the typical one.
    seed_ : int
    n_drawn : int
        Batches of which the store holds all replies, from the first on.
    """

    def __init__(self, context, plans, steps, replay, seed):
        self.plan_, self.seed_, self.n_drawn = plans[-1], seed, 0
        self._context, self._plans, self._replay = context, plans, replay
        self._writers = [BatchWriter(own_steps, context) for own_steps in steps]
        self._plan_request = replay.last_request
        self._estimates = {}  # of the calls of a batch, by what they depend on

    def draw(self, requests):
        """Yield batches as long as the store holds all their replies."""
        for request in requests if self._knows_plan else ():
            writer = self._writers[-1]
            batch = writer.open(request)
            if self._replay_steps(writer, batch):
                return
            self.n_drawn = max(self.n_drawn, request.index + 1)
            yield writer.finish(batch)[0]

    def count_calls(self, requests, n_sure):
        """Estimate what batches take: the first ``n_sure``, and all of them.

        Parameters
        ----------
        requests : list of Request
        n_sure : int

        Returns
        -------
        estimate : Estimate
        """
        calls = count_batches(
            requests,
            n_sure,
            self._count_left,
            self._count_typical,
            is_fresh=not (self._knows_plan and self._replay.is_open),
        )
        low, high = list(chain(*calls[:n_sure])), list(chain(*calls))
        if not self._knows_plan:
            cheapest, plan = self._plans
            high = [self._call_of_manager(plan, TOKENS_PER_RULE), *high]
            low = [self._call_of_manager(cheapest, 0)]
            for request in requests[:n_sure]:
                low += chain(*self._typical_calls(self._writers[0], request))
        return add_up(low, high, len(self._replay.answered))

    def _count_left(self, request):
        """Return the calls of a batch that nothing is stored of."""
        writer = self._writers[-1]
        left = self._replay_steps(writer, writer.open(request))
        typical = self._typical_calls(writer, request)
        return [call for stage in left for call in typical[stage]]

    def _count_typical(self, request):
        return list(chain(*self._typical_calls(self._writers[-1], request)))

    @property
    def _knows_plan(self):
        return len(self._plans) == 1

    def _replay_steps(self, writer, batch):
        """Do the steps of one batch as far as they are stored; return those left."""
        left = []
        for stage, step in enumerate(writer.steps):
            if set(step.parents) & set(left):
                left.append(stage)
                continue
            try:
                writer.write(batch, stage)
            except ReplayError:
                left.append(stage)
        return left

    def _typical_calls(self, writer, request):
        """Return the calls of each step for such a batch: chat, input, output tokens.

        They depend on the number of rows, and on whether labels are wanted.
        """
        kind = writer, request.n_rows, request.labels is not None
        if kind not in self._estimates:
            rows = self._typical_rows(request.n_rows)
            codes, labels = self._context.codes[rows], self._context.labels[rows]
            batch = replace(writer.open(request), codes=codes, labels=labels)
            self._estimates[kind] = [
                self._calls_of_step(writer, batch, stage)
                for stage in range(len(writer.steps))
            ]
        return self._estimates[kind]

    def _typical_rows(self, n_rows):
        """Return positions of real rows, evenly over the table."""
        last = len(self._context.labels) - 1
        return np.linspace(0, last, n_rows).astype(int).tolist()

    def _calls_of_step(self, writer, batch, stage):
        """Return a call per question; none where no model is asked."""
        step, n_rows = writer.steps[stage], len(batch.labels)
        task = writer.make_task(batch, stage, np.arange(n_rows))
        if step.chat is None or step.worker.question(task) is None:
            return []
        calls = []
        for rows in split_rows(range(n_rows), step.worker.max_rows):
            request = step.worker.question(task, rows)
            reply = [
                self._typical_reply(row, step) for row in self._typical_rows(len(rows))
            ]
            text = json.dumps({"rows": reply}, separators=(",", ":"))
            calls.append((step.chat, count_request(request), count_tokens(text)))
        return calls

    def _typical_reply(self, row, step):
        """Return a real row as a worker would write it."""
        keys, reply = step.worker.keys, {"i": TYPICAL_NUMBER}
        if step.is_label and keys != [self._context.label_key]:
            return reply | dict.fromkeys(keys, TYPICAL_PROBABILITY)
        return reply | self._context.format_row(row, keys)

    def _call_of_manager(self, plan, tokens_per_rule):
        """Return the call that has this plan, and a rule per column, as its reply."""
        request = self._plan_request
        n_output = count_tokens(repr(plan.components)) + tokens_per_rule * len(
            plan.columns
        )
        return request.chat, count_request(request), n_output
