"""The loop of TAGAL: rounds of rows, each after a review of the one before."""

import numpy as np

from t2sampler.chat._tagal_turns import (
    read_advice,
    write_typical_advice,
    write_typical_brief,
)
from t2sampler.exceptions import ChatError
from t2sampler.generators._chat_generator import ChatGenerator
from t2sampler.generators._written_rows import MAX_ATTEMPTS, write_typical

SYNTH_LOOP, REDUCED_LOOP, PROMPT_REFINE = "synth_loop", "reduced_loop", "prompt_refine"
BEST, LAST = "best", "last"
MAX_ROWS = 30  # of a round that is reviewed, as published; and of each pilot round
N_SEEDS = 2**31 - 1


class TAGALLoop(ChatGenerator):
    """What `TAGAL` asks generator, critic and summary model, in which order."""

    @property
    def _keeps_last(self):
        return self.published or self.keep == LAST

    @property
    def _reviews_all(self):
        """Whether the brief is of all rounds, the review of the last one included."""
        return self._keeps_last and self.method == PROMPT_REFINE and self.rounds > 1

    def _run_loop(self, ask, shots, labels, seed, n_rounds):
        """Write rounds of rows, each after a review of the one before.

        Returns
        -------
        drafts : list of Draft
            Per round, the conversation that it is asked for in; one more than rounds
            that were written, but for the last of all where nobody reads its review.
        rounds : list of dict
            Codes of the rows.
        """
        drafts, rounds = [self._turns.open(shots)], []
        critic = self._turns.open_review()
        for n in range(n_rounds):
            question = self._turns.ask(drafts[-1], labels)
            written = self._write_round(ask, question, labels, seed + n)
            if not written:
                break
            rounds.append(written)
            if n + 1 == self.rounds and not self._reviews_all:
                break
            critic = self._turns.review(critic, written)
            request = self._request(
                "critic",
                critic.messages,
                seed=(seed + n) % N_SEEDS,
                chat=self.critic,
            )
            advice = read_advice(_ask_text(ask, request, write_typical_advice))
            if not advice:
                break
            critic = self._turns.hear(critic, advice)
            drafts.append(self._turns.heed(question, written, advice))
        return drafts, rounds

    def _write_round(self, ask, question, labels, seed):
        """Return the codes of rows by number, of at most `MAX_ROWS` that are valid."""
        for attempt in range(MAX_ATTEMPTS):
            try:
                text = self._ask_rows(ask, question, labels, seed, attempt)
            except ChatError as error:
                if error.is_fatal:
                    raise
                continue
            codes = self._turns.csv.parse(text).codes
            if codes:
                rng = np.random.default_rng(seed)
                n_kept = min(len(codes), MAX_ROWS)
                kept = rng.choice(list(codes), n_kept, replace=False)
                return {number: codes[number] for number in sorted(kept.tolist())}
        return {}

    def _ask_rows(self, ask, question, labels, seed, attempt):
        if self.published:  # as many as the model likes
            labels = np.resize(np.flatnonzero(self._count_classes()), MAX_ROWS)
        request = self._request(
            "generator", question.messages, seed=seed % N_SEEDS, attempt=attempt
        )

        def typical():
            keys, n_rows = self._turns.csv.keys, len(labels)
            rows = write_typical(self._context, keys, labels, n_rows)
            return self._turns.write(rows)

        return ask(request, typical).text

    def _ask_brief(self, ask, draft):
        """Return a prompt that stands for a conversation; asked for twice at most."""
        talk, brief, has_slot = self._turns.summarise(draft), "", False
        for attempt in range(2):
            request = self._request(
                "summarizer",
                talk.messages,
                seed=self.seed_ % N_SEEDS,
                attempt=attempt,
                chat=self.summarizer,
            )
            text = _ask_text(ask, request, write_typical_brief).strip()
            if not text:
                break
            brief, has_slot = self._turns.read_brief(text)
            if has_slot:
                break
            talk = self._turns.send_back(talk, text)
        if not brief:
            self._loop_notes.append("The summary did not come: examples stand alone.")
        elif not has_slot:
            self._loop_notes.append(
                "The summary has no place for examples: they follow it."
            )
        return brief

    def _count_classes(self):
        n_classes = len(self.schema_.target.levels)
        return np.bincount(self._context.labels, minlength=n_classes)


def _ask_text(ask, request, typical):
    """Return a reply in words; "" where it is lost."""
    try:
        return ask(request, typical).text
    except ChatError as error:
        if error.is_fatal:
            raise
        return ""
