"""Turns that are added, and those that are left out where they would be too long."""

import pytest

from t2sampler.chat._conversation import Conversation

FACTS = (("system", "the facts"), ("user", "write"))


def talk(n_rounds, max_tokens=10**6):
    """Return a conversation with a generator, a long answer in each round."""
    said = Conversation(FACTS, n_kept=2, max_tokens=max_tokens)
    for n in range(n_rounds):
        said = said.say("assistant", f"rows {n} " * 50).say("user", f"advice {n}")
    return said


def test_adding_a_turn_leaves_the_conversation_as_it_was():
    before = talk(1)

    after = before.say("assistant", "more")

    assert before == talk(1)
    assert after.turns == (*before.turns, ("assistant", "more"))
    assert after.messages == after.turns


@pytest.mark.parametrize("max_tokens", [0, 150, 250, 450])
def test_the_oldest_rounds_are_left_out_whole(max_tokens):
    said = talk(3, max_tokens)

    sent = said.messages

    assert sent[:2] == FACTS
    assert sent[-1] == ("user", "advice 2")
    assert [role for role, _ in sent[1:]] == ["user", "assistant"] * (
        len(sent) // 2 - 1
    ) + ["user"]
    assert sent[2:] == said.turns[len(said.turns) - len(sent) + 2 :]
    assert len(sent) < len(said.turns) or max_tokens > 400


def test_a_longer_bound_sends_more():
    lengths = [len(talk(3, max_tokens).messages) for max_tokens in (0, 250, 400, 10**6)]

    assert lengths == sorted(lengths)
    assert lengths[0] < lengths[1] < lengths[-1]


def test_a_critic_keeps_its_facts_and_the_last_question():
    said = Conversation(FACTS[:1], n_kept=1, max_tokens=0)
    for n in range(3):
        said = said.say("user", f"rows {n}").say("assistant", f"advice {n}")

    sent = said.say("user", "rows 3").messages

    assert sent == (*FACTS[:1], ("user", "rows 3"))
