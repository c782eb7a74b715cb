"""What generators that ask language models share: session, budget, notes, drawing."""

import weakref
from collections import Counter
from dataclasses import replace
from numbers import Integral
from os import PathLike

import pandas as pd
from sklearn.base import clone

from t2sampler._params import HasMethods, Interval, StrOptions, check_is_fitted
from t2sampler.chat._context import AUTO, SUMMARY, PromptContext
from t2sampler.chat._identifying import warn_of_identifying
from t2sampler.exceptions import BudgetError, ChatError
from t2sampler.generators._base import BaseGenerator
from t2sampler.generators._dry_run import DryRun, Replay
from t2sampler.generators._scheduler import CallCounter, Schedule, Stage
from t2sampler.generators._seed import seed_from_data
from t2sampler.llm import Budget
from t2sampler.llm._base import ChatRequest
from t2sampler.llm._session import open_session

CHAT = HasMethods(["connect", "describe"])
# The first batches are asked for alone: where none has a row of use, drawing ends.
N_FIRST_BATCHES = 3
MAX_FAILURES = 3  # calls in a row that fail before fit or draw is given up
COUNTS = ("calls", "stored", "input_tokens", "output_tokens", "cached_tokens")


class ChatGenerator(BaseGenerator):
    """Base of the generators that ask language models.

    A subclass has the parameters below besides its own, and writes two methods:
    ``_learn(ask)``, called by `fit`, and ``_write_batch(request, ask)``, called by
    `draw` for each batch. Both ask by ``ask(chat_request, typical)``, which returns a
    `ChatReply`. ``typical`` is a function that returns what a model would reply about:
    `dry_run` goes through the same two methods with such replies, and counts them.

    Attributes
    ----------
    schema_ : TableSchema
    seed_ : int
        Hash of the table and the settings; the run's seed where the sampler has none.
    usage_ : DataFrame
        A row per role: calls paid for, calls answered by the store, tokens, cost in
        the currency of the prices, seconds.
    notes_ : tuple of str
    stop_reason_ : str
    """

    _rows_vary = False  # True: each question shows other real rows
    _parameter_constraints: dict = {
        "chat": [CHAT],
        "context": [str],
        "feature_descriptions": [dict, None],
        "examples": [
            Interval(Integral, 0, None, closed="left"),
            StrOptions({AUTO, SUMMARY}),
        ],
        "max_example_tokens": [Interval(Integral, 1, None, closed="left")],
        "min_level_rows": [Interval(Integral, 1, None, closed="left")],
        "column_kinds": [dict, None],
        "store": ["boolean", str, PathLike],
        "budget": [Budget, None],
        "mode": [StrOptions({"live", "replay"})],
    }

    def _check(self):
        """Refuse what cannot work with this table, before a model is asked."""

    def _learn(self, ask):
        """Do what `fit` does beyond opening the table; models may be asked.

        What is set on ``self`` before a budget ends stays, and nothing is drawn then.
        """

    def _write_batch(self, request, ask):
        """Return a `Batch`, and a Counter of repairs; called by several threads."""
        raise NotImplementedError

    def _chats(self):
        """Return each model that may be asked, once."""
        return (self.chat,)

    def _own_notes(self):
        """Return notes on what was learned."""
        return ()

    def fit(self, X, y, schema=None):
        """Open the table, and learn what the system learns from it.

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
        self._start(X, y, schema)
        warn_of_identifying(self._context)
        session = self._connect()
        ask = Asker(session.complete, self._chats())
        try:
            self._learn(ask)
        except BudgetError as error:
            self.stop_reason_ = str(error)
        self._is_fitted = True
        return self

    def draw(self, requests):
        """Yield a batch per request, in their order; fewer when the budget is spent.

        Parameters
        ----------
        requests : iterable of Request

        Yields
        ------
        batch : Batch
            Rows in the dtypes of the real table; those of no use are in ``refused``.
        """
        check_is_fitted(self, "_is_fitted")
        requests = list(requests)
        # A team that cannot write one row should not be paid for all of them.
        n_first = len(requests) if self._has_rows else N_FIRST_BATCHES
        for part in (requests[:n_first], requests[n_first:]):
            if part and not self.stop_reason_:
                yield from self._draw_side_by_side(part)

    def dry_run(self, X, y, schema=None, *, from_store=True):
        """Fit on stored replies only, to count the calls that drawing would take.

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
        dry_run : DryRun
            Asks no model; see `BaseGenerator.dry_run`.
        """
        generator = clone(self, safe=False)  # what this one has learned stays
        generator._start(X, y, schema)
        replay = Replay()
        if from_store and self.store is not False:
            replay.open(self.store, generator._chats())
        return generator._make_dry_run(replay)

    def _make_dry_run(self, replay):
        return DryRun(self, replay)

    def _start(self, X, y, schema):
        """Check all that can be checked before a model is asked, and open the table."""
        self._validate_params()
        frame, target, self.schema_ = self._open(X, y, schema)
        self._context = PromptContext(
            self.schema_,
            table_description=self.context,
            column_descriptions=self.feature_descriptions,
            examples=self.examples,
            max_example_tokens=self.max_example_tokens,
            min_level_rows=self.min_level_rows,
            frame=frame,
            target=target,
            rows_vary=self._rows_vary,
        )
        self._check()
        self.seed_ = seed_from_data(self, frame, target)
        self.stop_reason_, self._repairs = "", Counter()
        self._session, self._usage, self._session_notes = None, [], ()
        self._failures, self._has_answers = [], False
        self._n_without_rows, self._has_rows = 0, False

    def _connect(self):
        """Return the session with the models; an unpickled one is opened again."""
        if self._session is None:
            self._session = open_session(
                store=self.store,
                budget=self.budget,
                mode=self.mode,
                chats=self._chats(),
            )
            weakref.finalize(self, self._session.close).atexit = False
        return self._session

    def _request(self, role, messages, *, seed, attempt=0, schema=None, chat=None):
        """Return a request to a model, by default the generator's ``chat``."""
        chat = self.chat if chat is None else chat
        messages = tuple(messages)
        max_tokens = chat.max_tokens
        return ChatRequest(chat, role, messages, schema, max_tokens, seed, attempt)

    def _open_writer(self, requests, complete):
        """Return what writes batches; see `WholeBatchWriter`."""
        ask = Asker(complete, self._chats())
        return WholeBatchWriter(self, requests, ask)

    def _draw_side_by_side(self, requests):
        session = self._connect()
        counter = CallCounter(session.complete, lambda: not schedule.is_stopped)
        writer = self._open_writer(requests, counter.complete)
        schedule = Schedule(
            len(requests),
            writer.stages,
            writer.widths,
            writer.write,
            ends=BudgetError,
            jobs_left=None if self.budget is None else session.calls_left,
        )
        for place in schedule.run():
            batch, repairs = writer.finish(place)
            self._repairs.update(repairs)
            yield replace(batch, X=self._write(batch.X))
            if self._starts_without_rows(batch):
                break
        if schedule.end is not None:
            self.stop_reason_ = str(schedule.end)
        self._note_calls(counter)

    @property
    def usage_(self):
        """Calls, tokens and cost per role."""
        if self._session is not None:
            self._usage = self._session.usage()
        table = pd.DataFrame(self._usage, columns=["role", *COUNTS, "cost", "seconds"])
        return table.set_index("role")

    @property
    def notes_(self):
        """Notes for the report."""
        notes = [*self._own_notes(), *self._note_unused_descriptions()]
        if self.usage_[["calls", "stored"]].to_numpy().any():
            notes.append(self._describe_shown_rows())
            if self._session is not None:
                self._session_notes = self._session.notes()
            notes += self._session_notes
        notes += [f"Repaired: {what}: {n:,}." for what, n in self._repairs.items()]
        if self.stop_reason_:
            notes.append(f"The drawing ended early: {self.stop_reason_}")
        return tuple(notes)

    def _describe_shown_rows(self):
        return self._context.describe_shown_rows()

    def _note_calls(self, counter):
        """Raise the first error if no call is answered any more."""
        self._has_answers = self._has_answers or counter.n_answers > 0
        if counter.n_answers:
            self._failures = []
        self._failures += counter.failures
        # One failed call may be chance; if none was ever answered, settings are wrong.
        is_dead = not self._has_answers or len(self._failures) >= MAX_FAILURES
        if self._failures and not counter.n_answers and is_dead:
            raise self._failures[0]

    def _starts_without_rows(self, batch):
        """Return whether to stop, as when no row of the first batches can be used."""
        self._has_rows = self._has_rows or len(batch.X) > 0
        self._n_without_rows += not self._has_rows
        if self._n_without_rows == N_FIRST_BATCHES:
            spent = self.usage_[["calls", "input_tokens", "output_tokens"]].sum()
            self.stop_reason_ = (
                f"No row of the first {N_FIRST_BATCHES} batches could be used, the "
                f"last one because: {batch.refused['reason'].iloc[-1].rstrip('.')}. "
                f"Spent so far: {spent['calls']:,} calls, {spent['input_tokens']:,} "
                f"input and {spent['output_tokens']:,} output tokens."
            )
        return bool(self.stop_reason_)

    def _note_unused_descriptions(self):
        """Yield a note where descriptions fit no column: a name may be misspelt."""
        known = {*self.schema_.names, self.schema_.target.name}
        unused = [name for name in self.feature_descriptions or {} if name not in known]
        if unused:
            yield (
                f"`feature_descriptions` names {unused}, which the table does not have."
            )

    def __getstate__(self):
        """Return what can be pickled: no session, no thread."""
        state = dict(super().__getstate__())
        if state.get("_session") is not None:
            notes, usage = self._session.notes(), self._session.usage()
            state |= {"_session": None, "_session_notes": notes, "_usage": usage}
        return state


class Asker:
    """Ask models, one question or several side by side.

    Parameters
    ----------
    complete : callable
        Answers a request: the session's.
    chats : sequence of Chat
        Models that may be asked.

    Attributes
    ----------
    counter : CallCounter
    """

    def __init__(self, complete, chats):
        self.counter = CallCounter(complete, lambda: True)
        self._width = max(chat.max_concurrency for chat in chats)

    def __call__(self, request, typical=None):
        """Return the reply to a request; ``typical`` is for a dry run only."""
        try:
            return self.counter.complete(request)
        except ChatError:
            self._end_if_dead()
            raise

    def all(self, questions):
        """Return a reply, or the `ChatError` that is not fatal, per question.

        Parameters
        ----------
        questions : sequence of (ChatRequest, callable)
        """
        questions = list(questions)
        replies = [None] * len(questions)

        def work(place, _):
            try:
                replies[place] = self.counter.complete(questions[place][0])
            except ChatError as error:
                if error.is_fatal:
                    raise
                replies[place] = error

        schedule = Schedule(
            len(questions), [Stage()], [self._width], work, ends=BudgetError
        )
        for _ in schedule.run():
            pass
        if schedule.end is not None:
            raise schedule.end
        self._end_if_dead()
        return replies

    def end_sure(self):
        """Do nothing; see `DryAsker.end_sure`."""

    def _end_if_dead(self):
        """Raise the first of several failures in a row: no other would be answered."""
        if len(self.counter.failures) >= MAX_FAILURES:
            raise self.counter.failures[0]


class WholeBatchWriter:
    """Write batches, each in one job of a `Schedule`.

    Parameters
    ----------
    generator : ChatGenerator
    requests : list of Request
    ask : Asker
    """

    def __init__(self, generator, requests, ask):
        self.stages = [Stage()]
        self.widths = [max(chat.max_concurrency for chat in generator._chats())]
        self._generator, self._requests, self._ask = generator, requests, ask
        self._written = {}

    def write(self, place, _):
        """Write the batch at a place."""
        request = self._requests[place]
        self._written[place] = self._generator._write_batch(request, self._ask)

    def finish(self, place):
        """Return a batch that is written, and its repairs."""
        return self._written.pop(place)
