"""CLLM: one question for whole rows, in the words of its recipe."""

import json
from collections import Counter
from numbers import Integral

import numpy as np

from t2sampler._params import Interval
from t2sampler.chat._chat_worker import N_SEEDS, split_rows
from t2sampler.chat._context import (
    AUTO,
    MAX_EXAMPLE_TOKENS,
    MIN_LEVEL_ROWS,
    SUMMARY,
)
from t2sampler.chat._formatting import quote
from t2sampler.chat._prompts import fill, list_rows, write_cllm_rows, write_table
from t2sampler.chat._reply_schema import DecodedRows, ReplySchema
from t2sampler.chat._row_worker import (
    MAX_ROWS_PER_WANTED,
    N_BATCH_NUMBERS,
    SEED_STEP,
    count_max_rows,
)
from t2sampler.exceptions import ChatError, GeneratorError
from t2sampler.generators._chat_generator import ChatGenerator
from t2sampler.generators._written_rows import fill_batch, write_typical

PUBLISHED_EXAMPLES = 20
SURPLUS = "rows written beyond those wanted, and left out"


class CLLM(ChatGenerator):
    """Draw rows that a language model writes by the recipe of CLLM.

    One question asks for whole rows: it says what for (rows of the causal structure and
    of the distributions of the real ones, and diverse), shows real rows, and asks for
    knowledge of the subject, for a number of rows, for their form, and for labels that
    go with the other values. Rows are read as JSON by the columns' types; one that
    cannot be parsed, and a copy of a real row, is refused with the reason, and rows
    that are missing are asked for again, at most twice.

    The other half of CLLM is its curation: give the sampler
    ``cost=DataMapsFilter()``, as below.

    Parameters
    ----------
    chat : ChatModel
        The model that writes the rows.
    n_examples : int >= 1, default=None
        Real rows of a question, drawn anew for each, with replacement. None: the same
        rows in each question, those of ``examples``; with ``published=True``, 20.
    published : bool, default=False
        True: the published form; see Notes.
    context : str, default=''
        What the table is about, in a sentence or two.
    feature_descriptions : dict, default=None
        From a column's name, or that of the labels, to what it means: units, codes.
    examples : "auto", int >= 0 or "summary", default="auto"
        Real rows that questions show or, with ``n_examples``, draw from. "auto": all,
        or as many as ``max_example_tokens`` hold, the classes in turn. "summary": none,
        and no row leaves the machine, but levels, shares, and quantiles as means of
        several rows. 0 and "summary" are refused where rows are drawn.
    max_example_tokens : int >= 1, default=6000
        Bound on the estimated tokens of the real rows in one question.
    min_level_rows : int >= 1, default=3
        A level that fewer real rows have is sent only where a row that may be shown
        has it: see `LLMTeam`. With ``n_examples`` or ``published``, each question may
        then name it, whichever rows it shows; where ``examples="auto"`` and
        ``max_example_tokens`` does not hold all rows, none names it.
    column_kinds : dict of column name to str, default=None
        What columns are; see `TeamThenTrimSampler`. None: inferred.
    store : bool, str or path, default=True
        File in which replies are stored; see `LLMTeam`.
    budget : Budget, default=None
        Bound on calls, tokens and cost. When it is reached, drawing ends with the
        batches that are complete.
    mode : {"live", "replay"}, default="live"
        "replay": take replies from the store only; a missing one is an error.

    Attributes
    ----------
    schema_ : TableSchema
    seed_ : int
        Hash of the table and the settings; the run's seed where the sampler has none.
    usage_ : DataFrame
        A row per role (here "generator" alone): calls paid for, calls answered by the
        store, tokens, cost in the currency of the prices, seconds.
    notes_ : tuple of str
        Notes for the report.
    stop_reason_ : str
        Why drawing ended early; "" if it did not.

    Raises
    ------
    ChatError
        An endpoint refuses every call, or cannot be reached; replies that came are
        stored.
    GeneratorError
        With ``published=True``: a class that is wanted has no real row.
    ReplayError
        In replay mode, a reply is not in the store.

    See Also
    --------
    LLMTeam : One worker for small tables, several with a plan for wide ones.
    DataMapsFilter : CLLM's curation.

    Notes
    -----
    A batch takes one call, and at most two more for rows that are missing. Where a
    reply has no room for a batch (``max_tokens`` of the model), it takes several. The
    input of a call is the real rows, the same in each call and so cached by many
    endpoints, and a few hundred tokens.

    ``published=True`` follows the code of the paper [1]_: each question has 20 real
    rows, drawn with replacement, in the question itself; rows are asked for without a
    word on how many of which label; those with wanted labels are used, the others are
    counted in the report. So many rows are asked for that the wanted ones should be
    among them, if labels are as frequent as in the real rows. Classes without a real
    row cannot be had. The published settings belong to the model: ``ChatModel(name,
    temperature=0.9, max_tokens=1000, extra_body={"top_p": 0.95})``, GPT-4 of 2023 for
    most figures. The published whole, with 1,000 rows, is ``TeamThenTrimSampler(
    CLLM(chat, published=True), n_batches=50, sanity="passthrough",
    cost=DataMapsFilter(class_weight=None), diversity="passthrough")``; there, models
    learn from the new rows alone.

    What differs from its code: rows are drawn from the real ones each time, whereas
    there they are drawn from those of the question before, so that fewer and fewer are
    left; one row that cannot be parsed does not cost the others of its reply; copies of
    real rows are refused; a row is asked for three times, not 500; replies are stored.
    The words are our own.

    The default asks for the wanted labels, so that no row is paid for in vain, and
    shows the same rows in each question, all of them where they fit: with few or other
    rows each time a model changes its mind on what goes with a label from batch to
    batch.

    References
    ----------
    .. [1] Seedat, Huynh, van Breugel and van der Schaar, "Curated LLM: synergy of LLMs
       and data curation for tabular augmentation in low-data regimes", ICML 2024.

    Examples
    --------
    >>> import pandas as pd
    >>> from t2sampler import DataMapsFilter, TeamThenTrimSampler
    >>> from t2sampler.generators import CLLM
    >>> from t2sampler.testing import ScriptedChat
    >>> X = pd.DataFrame({"age": [31, 47, 52, 28, 60, 44], "sex": list("FMMFMF")})
    >>> cllm = CLLM(ScriptedChat(), context="people in a clinic", store=False)
    >>> sampler = TeamThenTrimSampler(cllm, cost=DataMapsFilter(), random_state=0)
    >>> X_res, y_res = sampler.fit_resample(X, [0, 0, 0, 0, 1, 1])
    >>> sampler.report_.usage.index.tolist()
    ['generator']
    """

    _parameter_constraints: dict = {
        **ChatGenerator._parameter_constraints,
        "n_examples": [Interval(Integral, 1, None, closed="left"), None],
        "published": ["boolean"],
    }

    def __init__(
        self,
        chat,
        *,
        n_examples=None,
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
        self.n_examples = n_examples
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
    def _n_drawn(self):
        """Real rows that are drawn for each question; None: all have the same."""
        if self.published and self.n_examples is None:
            return PUBLISHED_EXAMPLES
        return self.n_examples

    @property
    def _rows_vary(self):
        return self._n_drawn is not None

    def _check(self):
        if self._rows_vary and self.examples in (0, SUMMARY):
            raise ValueError(
                "CLLM expected `examples` to be 'auto' or at least 1 where each "
                f"question draws real rows, got {self.examples!r}. Where no row may "
                "leave the machine, leave `n_examples` and `published` at their "
                "defaults."
            )
        new = [label for label, n in self.schema_.n_per_label.items() if not n]
        if self.published and new:
            raise GeneratorError(
                f"CLLM with published=True expected classes with real rows, got {new}:"
                " it asks for no labels, so no row would have a new one. Use "
                "published=False."
            )

    def _learn(self, ask):
        context = self._context
        shown = () if self._rows_vary else context.example_rows
        # Written once: endpoints cache a prefix only while its bytes stay the same.
        self._system = fill(
            "cllm_system",
            label=quote(context.label_key),
            table=write_table(context),
            examples=list_rows(context, shown),
        )
        keys = [*context.columns_by_key(), context.label_key]
        self._max_rows = count_max_rows(context, keys, self.chat.max_tokens)

    def _write_batch(self, request, ask):
        seed = int(request.rng.integers(N_SEEDS))

        def ask_for(labels, n_missing, attempt):
            n_rows = self._count_rows(labels, n_missing)
            rows, faults, repairs = [], [], Counter()
            parts = split_rows(range(n_rows), self._max_rows)
            for part in parts:
                wanted = None
                if labels is not None and not self.published:
                    wanted = labels[list(part)]
                # Parts may ask for the same counts: they get other answers.
                number = (seed + SEED_STEP * part[0] + attempt) % N_SEEDS
                try:
                    found = self._ask_part(ask, wanted, len(part), number, attempt)
                except ChatError as error:
                    if error.is_fatal or len(parts) == 1:
                        raise
                    faults += [str(error)] * len(part)  # the other parts are not lost
                    continue
                rows += found.codes.values()
                faults += found.faults.values()
                repairs.update(found.repairs)
            if labels is not None:
                written = (int(row[self._context.label_key]) for row in rows)
                surplus = Counter(written) - Counter(labels.tolist())
                repairs[SURPLUS] += surplus.total()
            return DecodedRows(dict(enumerate(rows)), dict(enumerate(faults)), repairs)

        return fill_batch(self._context, request, ask_for)

    def _count_rows(self, labels, n_missing):
        """Return how many rows to ask for, so that the wanted ones may be there."""
        if labels is None or not self.published:
            return n_missing
        n_per_label = np.bincount(self._context.labels)
        wanted = Counter(labels.tolist())
        ratio = max(count / n_per_label[label] for label, count in wanted.items())
        n_rows = int(np.ceil(ratio * len(self._context.labels)))
        return min(n_rows, max(n_missing, self._max_rows))

    def _ask_part(self, ask, labels, n_rows, seed, attempt):
        """Return the rows of one reply, numbered from 1."""
        context = self._context
        keys = [*context.columns_by_key(), context.label_key]
        formatters = {key: context.formatter(key) for key in keys}
        reply_schema = ReplySchema(formatters, context.aliases(), context.words_about)
        question = write_cllm_rows(
            context,
            keys,
            None if labels is None else labels.tolist(),
            n_rows,
            examples=self._draw_examples(np.random.default_rng(seed)),
            batch=seed % N_BATCH_NUMBERS,
            # Published, no label was asked for that an answer could have lacked.
            is_again=attempt > 0 and not self.published,
        )
        request = self._request(
            "generator",
            [("system", self._system), ("user", question)],
            seed=seed,
            attempt=attempt,
            schema=reply_schema.json_schema(),
        )
        reply = ask(request, lambda: self._write_typical(keys, labels, n_rows))
        numbers = range(1, MAX_ROWS_PER_WANTED * n_rows)
        return reply_schema.parse(reply.text, numbers, is_numbered=False)

    def _draw_examples(self, rng):
        if not self._rows_vary:
            return ()
        known = self._context.example_rows
        rows = rng.choice(known, min(self._n_drawn, len(known))).tolist()
        # At least one: without any, the question would not be what it says it is.
        return rows[
            : max(1, self._context.count_fitting(rows, self.max_example_tokens))
        ]

    def _write_typical(self, keys, labels, n_rows):
        """Return a typical reply, without blanks as most models write JSON."""
        rows = write_typical(self._context, keys, labels, n_rows)
        numbered = [{"i": n, **row} for n, row in enumerate(rows, start=1)]
        return json.dumps({"rows": numbered}, separators=(",", ":"))
