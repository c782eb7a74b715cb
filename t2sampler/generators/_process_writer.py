"""Questions for rows that come about as a process says, and what replies hold."""

import json

import numpy as np

from t2sampler.chat._chat_worker import N_SEEDS, split_rows
from t2sampler.chat._formatting import quote
from t2sampler.chat._process_prompts import write_process_rows
from t2sampler.chat._prompts import write_system
from t2sampler.chat._reply_schema import DecodedRows, ReplySchema
from t2sampler.chat._row_worker import MAX_ROWS_PER_WANTED, ROWS_SHARE
from t2sampler.exceptions import ChatError
from t2sampler.generators._conditional import describe_conditions, find_meeting
from t2sampler.generators._written_rows import write_typical
from t2sampler.llm._base import ChatRequest
from t2sampler.llm._tokens import count_tokens

MAX_PER_CALL, PUBLISHED_PER_CALL = 20, 2  # rows of one question
N_MEASURED_ROWS = 20  # real rows that tell how many tokens a row takes
SEED_STEP = 10  # more than the attempts: parts of a batch get seeds of their own
N_BATCH_NUMBERS = 1000
N_TYPICAL_TASKS = 3  # times the length of the first task, of what an optimizer writes


class ProcessWriter:
    """Make the questions to the generator model, and read its replies.

    Parameters
    ----------
    context : PromptContext
    chat : Chat
        The generator.
    rows_per_call : int or "auto"
        Most rows of one question; never more than a reply has room for.
    is_published : bool
        A question shows real rows of its own, a few, and not all in the system message.
    """

    def __init__(self, context, chat, rows_per_call, *, is_published):
        self._context, self._chat = context, chat
        self._is_published = is_published
        self._keys = [*context.columns_by_key(), context.label_key]
        if rows_per_call == "auto":
            rows_per_call = PUBLISHED_PER_CALL if is_published else MAX_PER_CALL
        self._per_call = min(rows_per_call, self._count_room())

    def make_questions(
        self, process, labels, shown, *, seed, attempt=0, conditions=None
    ):
        """Return a request per part of the rows, and what would typically be replied.

        Parameters
        ----------
        process : DataProcess
        labels : int ndarray of shape (n_rows,)
            Label codes that are wanted.
        shown : int ndarray of shape (n_rows,) or empty list
            A real row for each, which its question shows.
        seed : int
        attempt : int, default=0
        conditions : dict of str to Condition, default=None

        Returns
        -------
        questions : list of (ChatRequest, callable)
        """
        context, chat = self._context, self._chat
        schema = self._open_schema().json_schema()
        system = write_system(context, with_rows=not self._is_published)
        words = describe_conditions(conditions or {}, context)
        questions = []
        for part in map(list, split_rows(range(len(labels)), self._per_call)):
            own_seed = (seed + SEED_STEP * part[0] + attempt) % N_SEEDS
            text = write_process_rows(
                context,
                process,
                labels[part].tolist(),
                shown[part].tolist() if len(shown) else [],
                words,
                batch=own_seed % N_BATCH_NUMBERS,
                is_again=attempt > 0,
            )
            messages = ("system", system), ("user", text)
            request = ChatRequest(
                chat, "generator", messages, schema, chat.max_tokens, own_seed, attempt
            )
            questions.append((request, self._make_typical(labels[part])))
        return questions

    def choose_shown(self, labels, conditions, rng):
        """Return a real row per label; none where the system message shows the rows.

        It has that label and meets the conditions where such a row may be shown, has
        the label where none does, and is any row where none has it.
        """
        if not self._is_published:
            return []
        pool = np.array(self._context.example_rows)
        meets = find_meeting(conditions, self._context)[pool]
        shown = np.empty(len(labels), dtype=np.intp)
        for label in np.unique(labels):
            places = np.flatnonzero(labels == label)
            is_same = self._context.labels[pool] == label
            choices = [pool[is_same & meets], pool[is_same], pool]
            order = rng.permutation(next(rows for rows in choices if len(rows)))
            shown[places] = np.resize(order, len(places))
        return shown

    def read(self, replies, n_rows):
        """Return the rows of several replies, numbered on.

        Parameters
        ----------
        replies : sequence of ChatReply or ChatError
        n_rows : int
            Rows that were asked for. A reply may have up to three times as many as
            its question wants; what is beyond these comes after the rows of all.

        Returns
        -------
        rows : DecodedRows
            An error is a fault.
        """
        schema, rows = self._open_schema(), DecodedRows()
        parts = split_rows(range(n_rows), self._per_call)  # as they were asked for
        surplus = {}
        for place, (reply, part) in enumerate(zip(replies, parts, strict=True)):
            if isinstance(reply, ChatError):
                rows.faults[place, 0] = str(reply)
                continue
            numbers = range(1, MAX_ROWS_PER_WANTED * len(part) + 1)
            found = schema.parse(reply.text, numbers, is_numbered=False)
            for count, (n, row) in enumerate(found.codes.items()):
                codes = rows.codes if count < len(part) else surplus
                codes[place, n] = row
            rows.faults.update({(place, n): why for n, why in found.faults.items()})
            rows.repairs.update(found.repairs)
        rows.codes.update(surplus)
        return rows

    def _open_schema(self):
        # Opened when it is used: what it holds cannot be pickled.
        context = self._context
        formatters = {key: context.formatter(key) for key in self._keys}
        return ReplySchema(formatters, context.aliases(), context.words_about)

    def _count_room(self):
        """Return how many rows a reply holds, by the tokens of real rows."""
        context = self._context
        rows = range(min(N_MEASURED_ROWS, len(context.labels)))
        texts = [quote(context.format_row(row, self._keys)) for row in rows]
        n_tokens = float(np.mean([count_tokens(text) for text in texts]))
        return max(1, int(ROWS_SHARE * self._chat.max_tokens / n_tokens))

    def _make_typical(self, labels):
        def write():
            rows = write_typical(self._context, self._keys, labels, len(labels))
            rows = [{"i": number, **row} for number, row in enumerate(rows, start=1)]
            return json.dumps({"rows": rows}, separators=(",", ":"), ensure_ascii=False)

        return write


def ask_or_error(ask, request, typical):
    """Return the reply, or the error of a question that alone is lost."""
    try:
        return ask(request, typical)
    except ChatError as error:
        if error.is_fatal:
            raise
        return error


def write_typical_process(process):
    """Return what an optimizer would reply about: as many links, a longer text."""
    links = [
        {"column": child, "parents": list(parents)}
        for child, parents in process.structure.items()
        if parents
    ]
    task = " ".join([process.task] * N_TYPICAL_TASKS)[:1000]
    return json.dumps({"structure": links, "task": task}, separators=(",", ":"))
