"""What an endpoint can do is found out by asking it."""

import pytest
from scripted_endpoint import Answer, completion, refusal

from t2sampler.exceptions import ChatError

NO_FORMAT = "Invalid parameter: 'response_format' of type 'json_schema' is unsupported."


def fields(endpoint):
    """Return which optional fields each call had."""
    names = ("response_format", "max_completion_tokens", "max_tokens", "seed")
    return [
        {name for name in (*names, "temperature") if name in body}
        for body in endpoint.bodies
    ]


def formats(endpoint):
    return [
        body.get("response_format", {}).get("type", "text") for body in endpoint.bodies
    ]


def test_first_call_asks_for_all_that_is_wanted(endpoint, client, ask):
    reply = client.complete(ask())

    (body,) = endpoint.bodies
    assert body["messages"][1] == {"role": "user", "content": "Give rows."}
    assert body["response_format"]["json_schema"]["schema"] == ask().schema
    assert (body["max_completion_tokens"], body["seed"]) == (50, 7)
    assert body["temperature"] == 0.5
    assert (reply.text, reply.finish_reason, reply.model) == ("{}", "stop", "served")
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (40, 5)
    assert reply.seconds > 0


def test_extra_body_and_cached_tokens_pass(endpoint, chat, ask):
    usage = {
        "prompt_tokens": 40,
        "completion_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 32},
    }
    endpoint.say(Answer(body=completion(usage=usage)))
    chat.set_params(extra_body={"reasoning_effort": "low"})
    client = chat.connect()

    reply = client.complete(ask())
    client.close()

    assert endpoint.bodies[0]["reasoning_effort"] == "low"
    assert reply.usage.cached_tokens == 32


def test_free_text_sends_no_format(endpoint, client, ask):
    client.complete(ask(schema=None, seed=None))

    assert fields(endpoint) == [{"max_completion_tokens", "temperature"}]


@pytest.mark.parametrize(
    ("words", "dropped"),
    [
        ("Unsupported value: 'temperature' does not support 0.5.", "temperature"),
        ("Unknown name 'seed': Cannot find field.", "seed"),
        ("Unrecognized argument: max_completion_tokens", "max_completion_tokens"),
    ],
)
def test_field_that_is_refused_is_dropped_for_good(
    endpoint, client, ask, words, dropped
):
    endpoint.answer = lambda body, n: refusal(words) if dropped in body else Answer()

    client.complete(ask())
    client.complete(ask())

    assert len(endpoint.bodies) == 3
    assert fields(endpoint)[0] - fields(endpoint)[1] == {dropped}
    assert fields(endpoint)[1] == fields(endpoint)[2]
    assert ("max_tokens" in endpoint.bodies[1]) == (dropped == "max_completion_tokens")


def test_all_that_can_be_refused_is_refused_one_by_one(endpoint, client, ask):
    """Some servers list every unknown field, and take plain text only."""
    unknown = ("max_completion_tokens", "seed", "temperature", "response_format")

    def answer(body, n):
        wrong = [name for name in unknown if name in body]
        detail = [{"loc": ["body", name], "msg": "not permitted"} for name in wrong]
        return Answer(422, {"detail": detail}) if wrong else Answer()

    endpoint.answer = answer

    client.complete(ask())

    assert fields(endpoint)[-1] == {"max_tokens"}
    assert len(endpoint.bodies) == 6


@pytest.mark.parametrize("status", [400, 422, 500])
@pytest.mark.parametrize("takes", ["json_object", "text"])
def test_format_goes_down_to_what_is_taken(endpoint, client, ask, status, takes):
    def answer(body, n):
        kind = body.get("response_format", {}).get("type", "text")
        return Answer() if kind == takes else refusal(NO_FORMAT, status)

    endpoint.answer = answer

    client.complete(ask())
    client.complete(ask())

    steps = ["json_schema", "json_object", "text"]
    steps = steps[: steps.index(takes) + 1]
    assert formats(endpoint) == [*steps, takes]


def test_bare_refusal_is_blamed_on_the_format_until_one_was_taken(
    endpoint, client, ask
):
    endpoint.answer = lambda body, n: (
        refusal("Bad request.") if "json_schema" in str(body) else Answer()
    )
    client.complete(ask())
    n_calls = len(endpoint.bodies)
    endpoint.say(refusal("Bad request."))

    with pytest.raises(ChatError, match=r"refused the call \(400: Bad request\)"):
        client.complete(ask())

    assert n_calls == 2
    assert len(endpoint.bodies) == 3


def test_refusal_that_nothing_cures_teaches_nothing(endpoint, client, ask):
    endpoint.say(refusal("Bad request."), refusal("Bad request."), refusal("Bad."))
    with pytest.raises(ChatError) as caught:
        client.complete(ask())
    endpoint.say(Answer())

    client.complete(ask())

    assert caught.value.is_fatal  # the first question of all
    assert formats(endpoint) == ["json_schema", "json_object", "text", "json_schema"]


def test_sixteen_at_once_find_out_together(endpoint, client, ask, in_threads):
    endpoint.answer = lambda body, n: (
        refusal(NO_FORMAT)
        if "json_schema" in str(body.get("response_format"))
        else Answer()
    )

    in_threads(16, lambda i: client.complete(ask(seed=i)))

    n_refused = formats(endpoint).count("json_schema")
    assert n_refused <= 16
    assert formats(endpoint).count("json_object") == 16


def test_what_was_learnt_outlives_the_client(endpoint, chat, ask):
    class Notes(dict):
        recall = dict.get
        remember = dict.__setitem__

    notes = Notes()
    endpoint.answer = lambda body, n: refusal("no seed") if "seed" in body else Answer()
    for _ in range(2):
        client = chat.connect()
        client.use_memory(notes)
        client.complete(ask())
        client.close()

    assert ["seed" in body for body in endpoint.bodies] == [True, False, False]
    assert list(notes) == [f"{endpoint.url} tiny"]
