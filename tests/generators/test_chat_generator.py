"""What generators that ask language models share, on the smallest one there can be."""

import json

import numpy as np
import pandas as pd
import pytest

from t2sampler import TeamThenTrimSampler
from t2sampler.chat._prompts import count_labels, list_rows, write_table
from t2sampler.chat._reply_schema import ReplySchema
from t2sampler.exceptions import ChatError
from t2sampler.generators._chat_generator import ChatGenerator
from t2sampler.generators._written_rows import fill_batch, write_typical
from t2sampler.llm import Budget
from t2sampler.testing import ScriptedChat, answer_competently, check_generator

N_LESSONS = 3


class Pupil(ChatGenerator):
    """Ask a few questions in fit, and one per batch."""

    _parameter_constraints = {**ChatGenerator._parameter_constraints}

    def __init__(
        self,
        chat,
        *,
        context="",
        feature_descriptions=None,
        examples="auto",
        max_example_tokens=6000,
        min_level_rows=3,
        column_kinds=None,
        store=False,
        budget=None,
        mode="live",
    ):
        self.chat = chat
        self.context = context
        self.feature_descriptions = feature_descriptions
        self.examples = examples
        self.max_example_tokens = max_example_tokens
        self.min_level_rows = min_level_rows
        self.column_kinds = column_kinds
        self.store = store
        self.budget = budget
        self.mode = mode

    def _learn(self, ask):
        self.lessons_ = []
        texts = [f"lesson {n}" for n in range(N_LESSONS)]
        questions = [
            (self._request("teacher", [("user", text)], seed=n), lambda: "a b c")
            for n, text in enumerate(texts)
        ]
        self.lessons_ = [getattr(reply, "text", reply) for reply in ask.all(questions)]

    def _write_batch(self, request, ask):
        context = self._context
        columns = {
            c.name: context.formatter(context.key_of(c.name)) for c in context.columns
        }
        label = {context.label_key: context.formatter(context.label_key)}
        schema = ReplySchema(columns | label, context.aliases(), context.words_about)
        seed = int(request.rng.integers(2**31))

        def ask_for(labels, n_missing, attempt):
            lines = [f"{n_missing} x {{}}"]
            if labels is not None:
                lines = count_labels(context, labels.tolist())
            system = write_table(context) + list_rows(context, context.example_rows)
            messages = [
                ("system", system),
                ("user", "\n".join(["Write.\nRows:", *lines])),
            ]
            options = {"seed": seed, "attempt": attempt, "schema": schema.json_schema()}
            keys = [*columns, context.label_key]
            reply = ask(
                self._request("worker", messages, **options),
                lambda: json.dumps(
                    {"rows": write_typical(context, keys, labels, n_missing)}
                ),
            )
            return schema.parse(reply.text, range(1, 100), is_numbered=False)

        return fill_batch(context, request, ask_for)


def answer(request):
    if request.role == "teacher":
        return "said of " + request.messages[-1][1]
    return answer_competently(request)


def make_table(n_rows=30):
    rng = np.random.default_rng(3)
    X = pd.DataFrame(
        {"b": rng.normal(size=n_rows).round(1), "a": rng.choice(list("uv"), n_rows)}
    )
    y = pd.Series(["late"] * 6 + ["early"] * (n_rows - 6), name="when")
    return X, y


def make_sampler(generator, **settings):
    off = dict.fromkeys(["sanity", "cost", "diversity"], "passthrough")
    few = {"batch_size": 6, "max_batches": 9, "random_state": 1}
    return TeamThenTrimSampler(generator, **{**off, **few, **settings})


def test_it_keeps_the_contract():
    check_generator(Pupil(ScriptedChat(answer)))


def test_questions_of_fit_come_back_in_their_order_and_are_told_by_role():
    X, y = make_table()
    sampler = make_sampler(Pupil(ScriptedChat(answer)))
    _, y_res = sampler.fit_resample(X, y)

    assert sampler.generator_.lessons_ == [
        f"said of lesson {n}" for n in range(N_LESSONS)
    ]
    assert y_res.value_counts().to_dict() == {"early": 24, "late": 24}
    assert sampler.report_.usage["calls"].to_dict() == {"teacher": 3, "worker": 3}


def test_a_surplus_without_wanted_labels_is_not_cut_where_the_second_class_begins():
    X, y = make_table()

    def write(request):
        if request.role == "teacher":
            return answer(request)
        # First real rows, then 20 of one class, then 20 of the other.
        new = [{"b": n / 7, "a": "v", "when": "late"} for n in range(20)]
        new += [{"b": n / 7, "a": "u", "when": "early"} for n in range(20)]
        real = X.assign(when=y).to_dict("records")[:20]
        return json.dumps({"rows": real + new})

    draws = [
        make_sampler(Pupil(ScriptedChat(write)), n_batches=1, batch_size=30)
        for _ in range(2)
    ]
    (X_res, y_res), (again, _) = (sampler.fit_resample(X, y) for sampler in draws)

    assert y_res[30:].value_counts().min() >= 8
    assert len(X_res) == 60
    pd.testing.assert_frame_equal(X_res, again)


def test_estimate_counts_what_fit_and_draw_ask(tmp_path):
    X, y = make_table()
    store = str(tmp_path / "replies")
    sampler = make_sampler(Pupil(ScriptedChat(answer), store=store))
    fresh = sampler.estimate(X, y)
    sampler.fit_resample(X, y)
    again = sampler.estimate(X, y)

    assert fresh.calls == (N_LESSONS + 3, N_LESSONS + 9)
    assert again.calls == (0, 0)
    assert again.n_stored == N_LESSONS + 3


def test_a_budget_that_ends_in_fit_draws_nothing():
    X, y = make_table()
    generator = Pupil(ScriptedChat(answer), budget=Budget(max_calls=2))
    sampler = make_sampler(generator, on_shortfall="warn")

    with pytest.warns(UserWarning, match="calls"):
        X_res, _ = sampler.fit_resample(X, y)

    assert len(X_res) == len(X)
    assert sampler.generator_.lessons_ == []
    assert sampler.report_.usage["calls"].sum() == 2


def test_a_question_that_fails_is_told_by_its_error_and_a_dead_endpoint_ends_fit():
    X, y = make_table()

    def fail(request):
        is_lost = request.messages[-1][1] == "lesson 1"
        return ChatError("lost") if is_lost else answer(request)

    generator = Pupil(ScriptedChat(fail)).fit(X, y)
    assert [str(lesson) for lesson in generator.lessons_][1] == "lost"

    with pytest.raises(ChatError, match="dead"):
        Pupil(ScriptedChat(lambda request: ChatError("dead"))).fit(X, y)
