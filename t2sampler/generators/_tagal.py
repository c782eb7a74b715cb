"""TAGAL: a generator and a critic in a conversation, for as many rounds as help."""

from collections import Counter
from dataclasses import replace
from numbers import Integral

import numpy as np

from t2sampler._params import Interval, StrOptions
from t2sampler._records import Request
from t2sampler.chat._context import AUTO, MAX_EXAMPLE_TOKENS, MIN_LEVEL_ROWS
from t2sampler.chat._reply_schema import DecodedRows
from t2sampler.chat._tagal_turns import TagalTurns
from t2sampler.exceptions import GeneratorError
from t2sampler.generators._chat_generator import CHAT, ChatGenerator
from t2sampler.generators._round_gains import MIN_TESTED, find_tested, measure_rounds
from t2sampler.generators._tagal_dry_run import LoopDryRun
from t2sampler.generators._tagal_loop import (
    BEST,
    LAST,
    MAX_ROWS,
    N_SEEDS,
    PROMPT_REFINE,
    REDUCED_LOOP,
    SYNTH_LOOP,
    TAGALLoop,
)
from t2sampler.generators._written_rows import fill_batch

SURPLUS = "rows written beyond those wanted, not used"
LOST = "loops that ended early, for want of a review or rows: an earlier round used"


class TAGAL(TAGALLoop):
    r"""Draw rows of a model that a second model reviews.

    In TAGAL [1]_ a generator is shown a few real rows of each class and writes rows as
    CSV; a critic, who sees the columns and these rows, says what is good and what is
    wrong with them; its advice goes back, and the generator writes again, round after
    round. Roles may have different models.

    .. math::
        R_k = G(P, R_0, a_0, \dots, R_{k-1}, a_{k-1}), \qquad
        a_k = C(R_0, a_0, \dots, R_k)

    where P is the first prompt, :math:`R_k` are the rows of round k (at most 30 of them
    are reviewed), and :math:`a_k` is the advice of the critic. Rows that cannot be
    parsed and copies of real rows are refused with the reason.

    Later rounds are no better as a rule: in the authors' own figures the rows of the
    last round teach less than those of the first in 14 of 18 cases. So `fit` writes all
    rounds once, 30 rows each, and measures what each adds to the real rows that no
    model was shown: the change in AUC, cross-validated, of a logistic regression and a
    forest. A later round is kept only if it gains more than an earlier one by more than
    a standard error. Batches are of that round, and of round 0 where there are too few
    real rows to tell; no critic is asked for batches of round 0.

    Parameters
    ----------
    chat : ChatModel
        The generator; and the other roles, where they have no model of their own.
    method : {"synth_loop", "reduced_loop", "prompt_refine"}, default="synth_loop"
        "synth_loop": each batch has a loop of its own, with other real rows.
        "reduced_loop": one loop in `fit`; each batch is one more question in its
        conversation, with the same real rows. "prompt_refine": one loop in `fit`, of
        which a third model writes a brief; each batch is one question with the brief
        and other real rows.
    critic : ChatModel, default=None
        None: ``chat``.
    summarizer : ChatModel, default=None
        Writes the brief of "prompt_refine". None: ``chat``.
    rounds : int >= 1, default=3
        1: no critic is asked, and nothing in `fit`.
    shots : int >= 1, default=5
        Real rows of each class in a question, as far as ``max_example_tokens`` hold.
    keep : {"best", "last"}, default="best"
        The round that batches are of. "last": nothing is measured.
    published : bool, default=False
        As the authors' code: the last round is kept, whatever ``keep`` says, and rows
        are asked for without labels, as many as the model likes; those with wanted
        labels are used. ``new_classes`` are then refused.
    context : str, default=''
        What the table is about, in a sentence or two.
    feature_descriptions : dict, default=None
        From a column's name, or that of the labels, to what it means: units, codes.
    examples : "auto", int >= 0 or "summary", default="auto"
        Real rows that may be shown: all, or as many, the classes in turn. 0 and
        "summary": none, and only summaries of the columns leave the machine.
    max_example_tokens : int >= 1, default=6000
        Bound on the estimated tokens of the real rows in a question.
    min_level_rows : int >= 1, default=3
        A level that fewer real rows have is not sent, unless all real rows fit into
        ``max_example_tokens``, or ``examples`` is an int and one of these rows has it:
        then each system message names it, whichever rows are shown. See `LLMTeam`.
    column_kinds : dict of column name to str, default=None
        What columns are; see `TeamThenTrimSampler`. None: inferred.
    store : bool, str or path, default=True
        File in which replies are stored. True: a file in the user's cache directory;
        False: none.
    budget : Budget, default=None
        Bound on calls, tokens and cost. When it is reached, drawing ends with the
        batches that are complete; in `fit`, nothing is drawn.
    mode : {"live", "replay"}, default="live"
        "replay": take replies from the store only; a missing one is an error.

    Attributes
    ----------
    best_round_ : int
        The round that batches are of, from 0. Where the brief of "prompt_refine" is
        of all rounds, with ``keep="last"`` or ``published``, the last of them.
    round_gains_ : tuple of float
        Gain in AUC of each round of `fit`, in [-1, 1]; () where they were not measured.
    prompt_ : str
        The brief of "prompt_refine", "[EXAMPLES]" where real rows stand; "" where
        batches are of round 0.
    schema_ : TableSchema
    seed_ : int
        Hash of the table and the settings; the run's seed where the sampler has none.
    usage_ : DataFrame
        A row per role: calls paid for, calls answered by the store, tokens, cost in
        the currency of the prices, seconds.
    notes_ : tuple of str
        Notes for the report.
    stop_reason_ : str
        Why drawing ended early; "" if it did not.

    Raises
    ------
    ChatError
        An endpoint refuses every call, or cannot be reached.
    GeneratorError
        ``published`` with a class that no real row has.
    ReplayError
        In replay mode, a reply is not in the store.

    See Also
    --------
    LLMTeam : One question per batch, which shows all real rows that fit.

    Notes
    -----
    With K rounds, `fit` takes K questions for 30 rows and K - 1 reviews, and some
    seconds of measuring; nothing unless at least two classes have six real rows, five
    of which are tested on and not shown. With ``keep="last"`` or ``published``, it
    takes nothing by "synth_loop", K - 1 questions and reviews by "reduced_loop", and K
    of both by "prompt_refine". The brief takes one more question, or two. A batch of
    round k takes k + 1 questions and k reviews by "synth_loop", and one question by the
    other methods. 100 rows of Adult (15 columns, batches of 20) take,
    `fit` included, about 21,000 input and 9,000 output tokens of round 0; of round 2,
    74,000 and 19,000 by "synth_loop", 38,000 and 9,000 by "reduced_loop", 28,000 and
    9,000 by "prompt_refine". ``TeamThenTrimSampler.estimate`` counts from round 0 (low)
    to the last round (high), since which one is kept is known only after `fit`.

    Questions for batches bear no number: by "reduced_loop", whose batches are asked
    for in one conversation with the same real rows, and by "prompt_refine" where the
    same rows are drawn, they differ by their seed only. An endpoint that ignores seeds
    and has a temperature of 0, or a cache, then returns equal batches.

    Differences from the authors' code, and why. By default: the best round instead of
    the last; rows are asked for by the number of each label, so that a batch is
    complete and a rare class is not left to chance. Also with ``published``: the critic
    is not asked after the last round of "synth_loop", where nobody reads it, as the
    summary of "prompt_refine" does; its advice is cut to eight bullets and quoted, so
    that it cannot pass for an instruction; a brief without a place for examples is sent
    back once, and then they follow it, and braces in it mean nothing; the system
    message with the columns stays beside the brief; a round without a row that can be
    used is asked for three times, and then a batch is of an earlier round. Rows that a
    batch still lacks are asked for twice more at the same place of the same
    conversation; the authors' "synth_loop" starts a fresh loop with new real rows. Real
    rows stand class by class; those of the authors' "reduced_loop" are shuffled. The
    authors ask with a temperature of 0.7, which is a setting of `ChatModel`.

    References
    ----------
    .. [1] Ronval, Dupont, Nijssen, "TAGAL: Tabular Data Generation using Agentic LLM
       Methods", arXiv:2509.04152, 2025.

    Examples
    --------
    >>> import pandas as pd
    >>> from t2sampler import TeamThenTrimSampler
    >>> from t2sampler.generators import TAGAL
    >>> from t2sampler.testing import ScriptedChat
    >>> X = pd.DataFrame({"age": [31, 47, 52, 28, 60, 44], "sex": list("FMMFMF")})
    >>> tagal = TAGAL(ScriptedChat(), keep="last", rounds=2, store=False)
    >>> sampler = TeamThenTrimSampler(tagal, cost="passthrough", random_state=0)
    >>> X_res, y_res = sampler.fit_resample(X, [0, 0, 0, 0, 1, 1])
    >>> sampler.report_.usage.index.tolist()
    ['generator', 'critic']
    """

    _rows_vary = True
    _parameter_constraints: dict = {
        **ChatGenerator._parameter_constraints,
        "method": [StrOptions({SYNTH_LOOP, REDUCED_LOOP, PROMPT_REFINE})],
        "critic": [CHAT, None],
        "summarizer": [CHAT, None],
        "rounds": [Interval(Integral, 1, None, closed="left")],
        "shots": [Interval(Integral, 1, None, closed="left")],
        "keep": [StrOptions({BEST, LAST})],
        "published": ["boolean"],
    }

    def __init__(
        self,
        chat,
        *,
        method=SYNTH_LOOP,
        critic=None,
        summarizer=None,
        rounds=3,
        shots=5,
        keep=BEST,
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
        self.method = method
        self.critic = critic
        self.summarizer = summarizer
        self.rounds = rounds
        self.shots = shots
        self.keep = keep
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

    def _check(self):
        new = [label for label, n in self.schema_.n_per_label.items() if n == 0]
        if self.published and new:
            raise GeneratorError(
                "TAGAL(published=True) asks for no labels, so it expected labels that "
                f"real rows have, got {new}. Leave `published` out, or drop "
                "`new_classes`."
            )

    def _chats(self):
        models = [self.chat]
        if self.rounds > 1:
            models.append(self.critic)
            models += [self.summarizer] * (self.method == PROMPT_REFINE)
        return tuple({id(m): m for m in models if m is not None}.values())

    def _learn(self, ask):
        self._turns = self._make_turns()
        self.best_round_, self.round_gains_, self.prompt_ = 0, (), ""
        self._loop_notes = []
        shots, tested = self._split_shots(np.random.default_rng(self.seed_))
        counts = self._count_classes()
        labels = np.resize(np.flatnonzero(counts), MAX_ROWS)
        n_rounds = self._count_rounds(tested)
        drafts, rounds = self._run_loop(ask, shots, labels, self.seed_, n_rounds)
        self._drafts, best = drafts, min(len(drafts), self.rounds) - 1
        if self._keeps_last and len(drafts) <= n_rounds:
            self._loop_notes.append(
                f"The loop of `fit` ended after {len(rounds)} of {n_rounds} rounds and "
                f"{len(drafts) - 1} reviews: what came next had no usable row, or did "
                f"not come. Batches are of round {best}, counted from 0."
            )
        if self._keeps_last and self.method == SYNTH_LOOP:
            best = self.rounds - 1  # each batch has a loop of its own
        elif not self._keeps_last:
            best = self._measure(rounds, tested)
        self._keep_round(ask, best)

    def _make_turns(self):
        return TagalTurns(self._context, asks_by_count=not self.published)

    def _keep_round(self, ask, best):
        """Set the round that batches are of, and get the brief that leads to it."""
        self.best_round_, self.prompt_ = best, ""
        if self.method == PROMPT_REFINE and best > 0:
            draft = self._drafts[-1 if self._keeps_last else best]
            self.prompt_ = self._ask_brief(ask, draft)

    def _count_rounds(self, tested):
        """Return how many rounds fit writes."""
        if not self._keeps_last:
            return self.rounds if self.rounds > 1 and len(tested) else 0
        if self._reviews_all:
            return self.rounds
        # The last one is left to the batches.
        return 0 if self.method == SYNTH_LOOP else self.rounds - 1

    def _measure(self, rounds, tested):
        """Return the round that adds most to the real rows."""
        encoded = [self._encode(codes) for codes in rounds]
        if len(rounds) < 2 or not any(len(labels) for _, labels in encoded):
            return 0
        rows = self._context.rows
        X = rows.encoder.transform_codes(rows.codes)
        labels = self._context.labels
        found = measure_rounds(X, labels, tested, encoded, self.seed_)
        self.round_gains_ = found.gains
        return found.best

    def _encode(self, written):
        """Return a round's usable rows as a matrix and label codes."""
        rng = np.random.default_rng(self.seed_)
        request = Request(0, len(written), None, rng)
        batch, _ = fill_batch(
            self._context, request, lambda *_: DecodedRows(written), max_attempts=1
        )
        labels = self.schema_.target.encode(batch.y).astype(np.intp)
        return self._context.rows.encoder.transform(batch.X), labels

    def _write_batch(self, request, ask):
        seed = int(request.rng.integers(N_SEEDS))
        draft = None

        def ask_for(labels, n_missing, attempt):
            nonlocal draft
            repairs, wanted = Counter(), labels
            if wanted is None:
                labels = self._draw_labels(n_missing, seed + attempt)
            if draft is None:
                draft, repairs[LOST] = self._find_draft(ask, labels, seed)
            question = self._turns.ask(draft, labels)
            place = seed + self.best_round_
            text = self._ask_rows(ask, question, labels, place, attempt)
            decoded = self._turns.csv.parse(text)
            repairs[SURPLUS] = self._count_surplus(decoded.codes, wanted, n_missing)
            return replace(decoded, repairs=decoded.repairs + repairs)

        return fill_batch(self._context, request, ask_for)

    def _count_surplus(self, rows, wanted, n_missing):
        """Return how many rows are not used, those of unwanted labels among them."""
        if wanted is None:
            return max(0, len(rows) - n_missing)
        written = Counter(int(row[self._context.label_key]) for row in rows.values())
        return (written - Counter(wanted.tolist())).total()

    def _find_draft(self, ask, labels, seed):
        """Return the conversation that a batch is asked for in, and if it was lost."""
        if self.method == REDUCED_LOOP:
            return self._drafts[self.best_round_], 0
        shots = self._draw_shots(np.random.default_rng(seed))
        if self.method == PROMPT_REFINE:
            return self._turns.open(shots, self.prompt_), 0
        places = np.linspace(0, len(labels) - 1, min(len(labels), MAX_ROWS))
        some = labels[places.round().astype(int)]
        drafts, _ = self._run_loop(ask, shots, some, seed, self.best_round_)
        return drafts[-1], int(len(drafts) <= self.best_round_)

    def _draw_labels(self, n_rows, seed):
        counts = self._count_classes()
        rng = np.random.default_rng(seed)
        return rng.choice(len(counts), n_rows, p=counts / counts.sum())

    def _draw_shots(self, rng, most=None):
        most = np.full(len(self._count_classes()), self.shots) if most is None else most
        return self._turns.choose_shots(rng, most, self.max_example_tokens)

    def _split_shots(self, rng):
        """Return rows to show in the loop of `fit`, and those to test its rounds on."""
        if self._keeps_last or self.rounds == 1:
            return self._draw_shots(rng), ()
        most = np.clip(self._count_classes() - MIN_TESTED, 1, self.shots)
        shots = self._draw_shots(rng, most)
        labels = self._context.labels
        is_shown = np.isin(np.arange(len(labels)), shots)
        return shots, find_tested(labels, is_shown)

    def _make_dry_run(self, replay):
        return LoopDryRun(self, replay)

    def _own_notes(self):
        if not hasattr(self, "_loop_notes"):
            return
        if self.round_gains_:
            gains = ", ".join(f"{100 * gain:+.1f}" for gain in self.round_gains_)
            yield (
                f"Rounds of TAGAL, gain in AUC on real rows, points: {gains}. Batches "
                f"are of round {self.best_round_}, counted from 0."
            )
        elif self.rounds > 1 and not self._keeps_last:
            yield (
                "Rounds of TAGAL were not compared, and batches are of round 0, "
                f"without a review: for that, two classes need {MIN_TESTED} real rows "
                "that are not shown, and two rounds rows that can be used."
            )
        yield from self._loop_notes

    def __getstate__(self):
        """Return what can be pickled: no readers of replies."""
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_turns"}

    def __setstate__(self, state):
        """Take a pickled state, and make the readers again."""
        super().__setstate__(state)
        if hasattr(self, "_context"):
            self._turns = self._make_turns()
