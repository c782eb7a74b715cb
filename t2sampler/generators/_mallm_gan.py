"""The generator that improves a data generation process against a discriminator."""

from numbers import Integral

import numpy as np
import pandas as pd

from t2sampler._params import (
    HasMethods,
    Interval,
    StrOptions,
    check_is_fitted,
    draw_seed,
)
from t2sampler._records import Request
from t2sampler.chat._chat_worker import N_SEEDS
from t2sampler.chat._context import AUTO, MAX_EXAMPLE_TOKENS, MIN_LEVEL_ROWS
from t2sampler.chat._data_process import (
    check_structure,
    find_structure,
    parse_process,
    process_schema,
    start_process,
)
from t2sampler.chat._process_prompts import write_optimizer
from t2sampler.chat._prompts import EMPTY_ANSWER, fill
from t2sampler.exceptions import ChatError, GeneratorError
from t2sampler.generators._base import encode_wanted
from t2sampler.generators._chat_generator import CHAT, ChatGenerator
from t2sampler.generators._conditional import (
    draw_meeting,
    join,
    open_conditions,
    refuse_unmet,
    share_labels,
)
from t2sampler.generators._discriminator import (
    CHANCE,
    Discriminator,
    IncrementalDiscriminator,
    default_discriminator,
    encode_with_labels,
    find_best,
)
from t2sampler.generators._process_writer import (
    ProcessWriter,
    ask_or_error,
    write_typical_process,
)
from t2sampler.generators._written_rows import fill_batch

EPOCHS = 3
PUBLISHED_EPOCHS = ((100, 5), (200, 4), (400, 3), (np.inf, 2))  # up to so many rows
N_SHOWN = 3  # best processes that the optimizer sees, as published
MIN_USABLE = 0.8  # of the rows of a process, for it to have a score, as published
MAX_QUOTED = 20_000  # characters of a faulty answer that are sent back
MENDED = "processes with faults that the optimizer was sent back"
LOST = "questions to the optimizer that gave no process"


class MALLMGAN(ChatGenerator):
    """Draw rows by a data generation process that language models improve.

    The process is what a model is told of how rows come about: what the table is about,
    its columns, a causal structure (which columns directly depend on which), and a text
    on what to heed. In `fit`, a *generator* writes a batch of rows by it, a
    *discriminator*, which is a classifier, tries to tell them from real rows, and an
    *optimizer* sees the best processes so far with their scores, and answers with a
    better one. The score is the discriminator's accuracy: lower is better, and 0.5
    means that real and written rows cannot be told apart. `draw` writes rows by the
    best process.

    Parameters
    ----------
    chat : ChatModel
        The generator. Published: temperature 0.5.
    optimizer : ChatModel, default=None
        Published: temperature 1.0. None: ``chat``.
    discriminator : classifier, default=None
        Any scikit-learn classifier. None: extremely randomised trees, which see that
        columns do not go together; with ``published``, logistic regression by
        stochastic gradient descent. One without a seed gets one.
    structure : dict of column name to list of column name, default=None
        The columns on which each column directly depends; one that is left out depends
        on none. The label may be among them, by its name, or "y" where it has none.
        None: found on the real rows by hill climbing with extended BIC.
    epochs : int >= 0 or "auto", default="auto"
        Rounds of improvement. "auto": 3; with ``published``, 5 for up to 100 real rows,
        4 up to 200, 3 up to 400, else 2. 0: the first process is used as it is.
    batch_size : int >= 2, default=50
        Rows that are written to score a process, at most as many as there are real
        ones. An epoch is one such batch; with ``published``, one pass over the real
        rows, with a process per batch.
    rows_per_call : int >= 1 or "auto", default="auto"
        Rows of one question. "auto": up to 20; with ``published``, 2.
    published : bool, default=False
        The published form; see Notes.
    context : str, default=''
        What the table is about, in a sentence or two.
    feature_descriptions : dict, default=None
        From a column's name, or that of the labels, to what it means: units, codes.
    examples : "auto", int >= 0 or "summary", default="auto"
        Number of real rows in every question of the generator; see `LLMTeam`. With
        ``published``, number of those that may be shown, a few in each question.
    max_example_tokens : int >= 1, default=6000
        Bound on the estimated tokens of the rows of ``examples="auto"``.
    min_level_rows : int >= 1, default=3
        A level that fewer real rows have is sent only where a row that may be shown
        has it; see `CLLM`.
    column_kinds : dict of column name to str, default=None
        What columns are; see `TeamThenTrimSampler`. None: inferred.
    store : bool, str or path, default=True
        File in which replies are stored; see `LLMTeam`.
    budget : Budget, default=None
        Bound on calls, tokens and cost. Where it ends `fit`, nothing is drawn.
    mode : {"live", "replay"}, default="live"
        "replay": take replies from the store only; a missing one is an error.

    Attributes
    ----------
    process_ : DataProcess
        The best process: ``context``, ``columns``, ``structure``, ``task``; printed, it
        can be read.
    processes_ : tuple of DataProcess
        All that had their rows scored, the first one first.
    scores_ : float ndarray of shape (n_processes,)
        The discriminator's accuracy on the rows of each, all by the last
        discriminator. NaN: fewer than 80 % of the rows could be used.
    discriminator_accuracy_ : tuple of float
        Per epoch, the mean accuracy on the rows of its processes, as it was then.
    schema_ : TableSchema
    seed_ : int
        Hash of the table and the settings; the run's seed where the sampler has none.
    usage_ : DataFrame
        A row per role: "generator" and "optimizer".
    notes_ : tuple of str
        Notes for the report.
    stop_reason_ : str
        Why fitting or drawing ended early; "" if it did not.

    Raises
    ------
    ValueError
        ``structure`` names an unknown column or has a circle; ``published`` where no
        real row may be shown.
    GeneratorError
        ``published`` where a class has no real row.
    ChatError
        An endpoint refuses every call, or cannot be reached.

    See Also
    --------
    LLMTeam : One prompt for whole rows, without a process to improve.

    Notes
    -----
    Cost: `fit` writes ``epochs`` batches, each in ``batch_size / rows_per_call`` calls
    side by side, with a call of the optimizer between two processes (two where its
    first reply has faults): by default 3 to 11 calls, published 259 for 100 real rows,
    and the rows are only scored. A batch of `draw` takes a call per
    ``rows_per_call`` rows. 100 rows of Adult beside 100 real ones take up to 16 calls,
    119,000 input and 24,000 output tokens; published 309, 507,000 and 59,000.

    The causal structure is a hint in words: nothing is computed by it, and the models
    may be wrong about causes. The optimizer's reply is parsed: unknown columns are left
    out, a circle is sent back once and then cut, and its text is given to the generator
    as quoted data.

    By default the loop ends where the best process is at 0.5, with 10 or 20 real rows
    mostly at once: so few teach no discriminator. All rows that fit are shown, as that
    measured best, and not two in turn; the optimizer, which as published sees columns,
    processes and scores alone, is shown them, too. All processes are scored by one
    cross-fitted discriminator, and the first one stays unless another is better by more
    than about a standard error. Copies of real rows are not scored: they would win.

    ``published=True`` follows the paper [1]_: two real rows per question and as many
    rows like them, batches of 50, a process per batch, a discriminator that goes on
    learning, the best three processes shown, the best of the last epoch used, or of all
    where it has no score. Here, but not there: batches are even (37, 37 and 36 of 110
    rows, not 50, 50 and 10), those with too few rows of use are not learned from,
    features are standardised, the classifier has a seed, the structure is by extended
    BIC (not BIC), and labels are asked for by count. There, but not here: an epoch more
    with a frozen discriminator, batches of 51 rows, category lists of the test rows,
    an optimizer's replies put into prompts as they are, conditions not checked.

    References
    ----------
    .. [1] Y. Ling, X. Jiang, Y. Kim, "MALLM-GAN: Multi-Agent Large Language Model as
       Generative Adversarial Network for Synthesizing Tabular Data", Findings of ACL,
       2026; code: yling1105/MALLM-GAN, commit 3967fdca.

    Examples
    --------
    >>> import pandas as pd
    >>> from t2sampler.generators import MALLMGAN
    >>> from t2sampler.testing import ScriptedChat
    >>> X = pd.DataFrame({"age": [31, 47, 52, 28, 60, 44], "sex": list("FMMFMF")})
    >>> gan = MALLMGAN(ScriptedChat(), structure={"sex": ["age"]}, store=False)
    >>> gan = gan.fit(X, [0, 0, 0, 0, 1, 1])
    >>> gan.discriminator_accuracy_
    (0.5,)
    >>> rows, _ = gan.draw_conditional(3, {"sex": "F"}, label=1)
    >>> rows["sex"].tolist()
    ['F', 'F', 'F']
    """

    _parameter_constraints: dict = {
        **ChatGenerator._parameter_constraints,
        "optimizer": [CHAT, None],
        "discriminator": [HasMethods(["fit", "predict"]), None],
        "structure": [dict, None],
        "epochs": [Interval(Integral, 0, None, closed="left"), StrOptions({AUTO})],
        "batch_size": [Interval(Integral, 2, None, closed="left")],
        "rows_per_call": [
            Interval(Integral, 1, None, closed="left"),
            StrOptions({AUTO}),
        ],
        "published": ["boolean"],
    }

    def __init__(
        self,
        chat,
        *,
        optimizer=None,
        discriminator=None,
        structure=None,
        epochs=AUTO,
        batch_size=50,
        rows_per_call=AUTO,
        published=False,
        context="",
        feature_descriptions=None,
        examples=AUTO,
        max_example_tokens=MAX_EXAMPLE_TOKENS,
        min_level_rows=MIN_LEVEL_ROWS,
        column_kinds=None,
        store=True,
        budget=None,
        mode="live",
    ):
        self.chat = chat
        self.optimizer = optimizer
        self.discriminator = discriminator
        self.structure = structure
        self.epochs = epochs
        self.batch_size = batch_size
        self.rows_per_call = rows_per_call
        self.published = published
        self.context = context
        self.feature_descriptions = feature_descriptions
        self.examples = examples
        self.max_example_tokens = max_example_tokens
        self.min_level_rows = min_level_rows
        self.column_kinds = column_kinds
        self.store = store
        self.budget = budget
        self.mode = mode

    @property
    def _rows_vary(self):
        return self.published

    def _chats(self):
        chats = {id(chat): chat for chat in (self.chat, self.optimizer or self.chat)}
        return tuple(chats.values())

    def _check(self):
        context = self._context
        self._links = None
        if self.structure is not None:
            self._links = check_structure(self.structure, context)
        if not self.published:
            return
        if not context.example_rows:
            raise ValueError(
                "`published=True` expected real rows to show, two in each question, "
                f"got examples={self.examples!r}. Use `published=False`, which can do "
                "without."
            )
        counts = context.schema.n_per_label
        if new := [label for label, n_rows in counts.items() if not n_rows]:
            raise GeneratorError(
                "`published=True` expected labels that real rows have, since it writes "
                f"rows like these, got {new[0]}. Use `published=False`."
            )

    def draw_conditional(self, n_rows, given, *, label=None, random_state=None):
        """Draw rows that meet conditions on some of their columns.

        The conditions are stated in the question, and every row is checked: one that
        does not meet them is never returned, and it is asked for nine times at most.

        Parameters
        ----------
        n_rows : int >= 0
        given : dict of column name to condition
            A value; a pair (low, high) of numbers, dates or ordered categories, both
            ends included, None for an open end; or a list of values.
        label : label, default=None
            Wanted of all rows; None draws labels as they are among real rows that meet
            the conditions.
        random_state : int, RandomState instance or None, default=None
            None: ``seed_``, so that the same rows are not paid for twice.

        Returns
        -------
        X : DataFrame of shape (n_rows, n_features)
        y : Series of shape (n_rows,)
            Fewer, with a `QuotaNotMetWarning`, where the model does not write enough.

        Raises
        ------
        GeneratorError
            No row can meet a condition, or the model writes none that does.
        """
        check_is_fitted(self, "_is_fitted")
        if not isinstance(n_rows, Integral) or n_rows < 0:
            raise GeneratorError(
                f"Expected `n_rows` as a whole number of rows, >= 0, got {n_rows!r}."
            )
        conditions = open_conditions(given, self._context)
        seed = self.seed_ if random_state is None else draw_seed(random_state)
        batches = draw_meeting(self._draw_all, n_rows, conditions, label, seed)
        empty = self.schema_.decode(np.empty((0, len(self.schema_.columns))))
        frames = [self._write(empty), *(batch.X for batch in batches)]
        labels = [self.schema_.target.decode(np.empty(0)), *(b.y for b in batches)]
        return join(frames), join(labels)

    def _draw_all(self, requests):
        """Return batches, and why rows are missing."""
        # What ends these rows need not end others: a budget will tell again.
        before = self.stop_reason_, self._n_without_rows
        batches = list(self.draw(requests))
        refused = [
            b.refused["reason"].iloc[-1] for b in batches if b.refused is not None
        ]
        why = self.stop_reason_ or (refused[-1] if refused else "")
        self.stop_reason_, self._n_without_rows = before
        return batches, why

    def _learn(self, ask):
        context = self._context
        links = find_structure(context) if self._links is None else self._links
        self.process_ = process = start_process(context, links)
        self.processes_, self.scores_ = (), np.array([])
        self.discriminator_accuracy_, self._accuracies = (), {}
        self._writer = ProcessWriter(
            context, self.chat, self.rows_per_call, is_published=self.published
        )
        judge = self._make_discriminator()
        rounds = self._plan_rounds()
        for place, (epoch, rows) in enumerate(rounds):
            judge.add(self._write_for_score(process, rows, place, ask), rows)
            self._keep_scores(process, epoch, *judge.score())
            if not self.published:
                if self.scores_[self._best] <= CHANCE:
                    break  # no score could tell that another is better
                if place == 0:
                    ask.end_sure()
            if place + 1 < len(rounds):
                process = self._improve(place, ask)

    def _plan_rounds(self):
        """Return the epoch of each process, and the real rows that its are to be like.

        By default only their labels matter, so rows that may not be shown will do.
        """
        n_real = len(self._context.labels)
        pool = self._context.example_rows if self.published else range(n_real)
        rng = np.random.default_rng(self.seed_)
        rounds = []
        for epoch in range(self._count_epochs(n_real)):
            order = rng.permutation(pool)
            parts = [order[: self.batch_size]]
            if self.published:
                parts = np.array_split(order, -(-len(order) // self.batch_size))
            rounds += [(epoch, part) for part in parts]
        return rounds

    def _count_epochs(self, n_real):
        if self.epochs != AUTO:
            return self.epochs
        published = next(n for most, n in PUBLISHED_EPOCHS if n_real <= most)
        return published if self.published else EPOCHS

    def _make_discriminator(self):
        rows = self._context.rows
        real = encode_with_labels(rows, rows.codes, self._context.labels)
        estimator = self.discriminator
        if estimator is None:
            estimator = default_discriminator(self.published)
        judge = IncrementalDiscriminator if self.published else Discriminator
        return judge(estimator, real)

    def _write_for_score(self, process, rows, place, ask):
        """Return rows of a process as a matrix; none where too few can be used."""
        context, schema = self._context, self.schema_
        labels = context.labels[rows]
        shown = rows if self.published else []
        writer = self._writer
        questions = writer.make_questions(process, labels, shown, seed=place)
        decoded = writer.read(ask.all(questions), len(rows))
        values = schema.target.decode(labels.astype(float)).to_numpy(dtype=object)
        rng = np.random.default_rng([self.seed_, place])
        request = Request(place, len(rows), values, rng)
        batch, repairs = fill_batch(
            context, request, lambda *_: decoded, max_attempts=1
        )
        self._repairs.update(repairs)
        is_enough = len(batch.X) >= MIN_USABLE * len(rows)
        used = slice(None) if is_enough else slice(0)
        codes, labels = schema.encode(batch.X), encode_wanted(batch.y, schema)[0]
        return encode_with_labels(context.rows, codes[used], labels[used])

    def _keep_scores(self, process, epoch, scores, n_rows):
        self.processes_ += (process,)
        self.scores_ = scores
        self._accuracies.setdefault(epoch, []).append(scores[-1])
        self.discriminator_accuracy_ = tuple(
            float(pd.Series(found).mean()) for found in self._accuracies.values()
        )
        n_last = len(self._accuracies[epoch])
        first = len(scores) - n_last if self.published else 0
        first = 0 if np.isnan(scores[first:]).all() else first
        best = find_best(scores[first:], n_rows[first:], has_margin=not self.published)
        self._best = first + best
        self.process_ = self.processes_[self._best]

    def _improve(self, place, ask):
        """Return the optimizer's process, the best so far without one; ask twice."""
        # The best last; those without a score first, if at all.
        order = np.argsort(-np.nan_to_num(self.scores_, nan=np.inf), kind="stable")
        scored = [
            (self.processes_[k], None if np.isnan(self.scores_[k]) else self.scores_[k])
            for k in order[-N_SHOWN:].tolist()
        ]
        context, old, found = self._context, scored[-1][0], None
        messages = write_optimizer(context, scored, with_rows=not self.published)
        options = {"schema": process_schema(context), "chat": self.optimizer}
        for attempt in (0, 1):
            request = self._request(
                "optimizer", messages, seed=place, attempt=attempt, **options
            )
            try:
                text = ask(request, lambda: write_typical_process(old)).text
            except ChatError as error:
                if error.is_fatal:
                    raise
                break
            new, faults = parse_process(text, context, old)
            found = new or found
            if not faults:
                break
            if not attempt:
                self._repairs[MENDED] += 1
            again = fill("optimizer_again", faults="; ".join(faults))
            answer = ("assistant", text[:MAX_QUOTED] or EMPTY_ANSWER)
            messages = (*messages, answer, ("user", again))
        if found is None:
            self._repairs[LOST] += 1
        return found or self.process_

    def _write_batch(self, request, ask):
        context, writer = self._context, self._writer
        conditions = getattr(request, "conditions", {})
        shares = share_labels(conditions, context)
        seed = int(request.rng.integers(N_SEEDS))

        def ask_for(labels, n_missing, attempt):
            rng = np.random.default_rng([seed, attempt])
            if labels is None:
                labels = rng.choice(len(shares), n_missing, p=shares)
            shown = writer.choose_shown(labels, conditions, rng)
            options = {"seed": seed, "attempt": attempt, "conditions": conditions}
            questions = writer.make_questions(self.process_, labels, shown, **options)
            replies = [ask_or_error(ask, *question) for question in questions]
            if all(isinstance(reply, ChatError) for reply in replies):
                raise replies[0]
            return refuse_unmet(writer.read(replies, n_missing), conditions)

        return fill_batch(context, request, ask_for)

    def _own_notes(self):
        if not self.processes_:
            return
        accuracies = ", ".join(map(_percent, self.discriminator_accuracy_))
        scores = ", ".join(map(_percent, self.scores_))
        yield (
            f"MALLM-GAN: the discriminator's accuracy per epoch was {accuracies} (50%: "
            f"real and written rows look alike). The last discriminator's scores of "
            f"all {len(self.processes_)} processes are {scores}; rows are written by "
            f"process {self._best + 1}. Its causal structure is a hint, not a finding."
        )


def _percent(share):
    return "none (too few rows of use)" if np.isnan(share) else f"{share:.0%}"
