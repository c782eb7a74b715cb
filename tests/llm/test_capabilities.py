"""Capabilities of an endpoint are found out from its refusals."""

import json

import pytest
from doubles.scripted_endpoint import Answer, completion, refusal

from t2sampler.exceptions import ChatError
from t2sampler.llm._capabilities import Capabilities
from t2sampler.llm._endpoint import Endpoint
from t2sampler.llm._responses import RateLimitError

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
    assert (body["max_tokens"], body["seed"]) == (50, 7)
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

    assert fields(endpoint) == [{"max_tokens", "temperature"}]


@pytest.mark.parametrize(
    ("words", "dropped"),
    [
        ("Unsupported value: 'temperature' does not support 0.5.", "temperature"),
        ("Unknown name 'seed': Cannot find field.", "seed"),
        ("Unsupported: max_tokens. Use max_completion_tokens instead.", "max_tokens"),
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
    is_renamed = "max_completion_tokens" in endpoint.bodies[1]
    assert is_renamed == (dropped == "max_tokens")


def test_all_that_can_be_refused_is_refused_one_by_one(endpoint, client, ask):
    """Some servers list every unknown field, and take plain text only."""
    unknown = ("max_tokens", "seed", "temperature", "response_format")

    def answer(body, n):
        wrong = [name for name in unknown if name in body]
        detail = [{"loc": ["body", name], "msg": "not permitted"} for name in wrong]
        return Answer(422, {"detail": detail}) if wrong else Answer()

    endpoint.answer = answer

    client.complete(ask())

    assert fields(endpoint)[-1] == {"max_completion_tokens"}
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


def test_bare_refusal_is_asked_again_then_blamed_on_the_format(endpoint, client, ask):
    endpoint.answer = lambda body, n: (
        refusal("Bad request.") if "json_schema" in str(body) else Answer()
    )
    client.complete(ask())
    asked = formats(endpoint)
    endpoint.say(refusal("Bad request."))

    with pytest.raises(ChatError, match=r"refused the call \(400: Bad request\)"):
        client.complete(ask())

    assert asked == ["json_schema", "json_schema", "json_object"]
    assert formats(endpoint)[3:] == ["json_object", "json_object"]  # proven by then


def test_bare_refusal_that_passes_changes_nothing(endpoint, client, ask):
    endpoint.say(refusal("Bad request."), Answer())

    client.complete(ask())

    assert formats(endpoint) == ["json_schema", "json_schema"]


def test_refusal_that_nothing_cures_changes_nothing(endpoint, client, ask):
    endpoint.say(*4 * [refusal("Bad request.")])
    with pytest.raises(ChatError) as caught:
        client.complete(ask())
    endpoint.say(Answer())

    client.complete(ask())

    assert caught.value.is_fatal  # the first question of all
    steps = ["json_schema", "json_schema", "json_object", "text"]
    assert formats(endpoint) == [*steps, "json_schema"]


@pytest.mark.parametrize("status", [400, 500])
@pytest.mark.parametrize(
    "words",
    [
        "System role not supported",
        "Jinja Exception: the system role is not supported by this template",
        "Conversation roles must alternate user/assistant/user/assistant/...",
    ],
)
def test_system_text_moves_to_the_user_where_the_role_is_refused(
    endpoint, client, ask, status, words
):
    endpoint.answer = lambda body, n: (
        refusal(words, status) if len(body["messages"]) > 1 else Answer()
    )

    client.complete(ask())
    client.complete(ask())

    merged = {"role": "user", "content": "You write JSON.\n\nGive rows."}
    assert [body["messages"] for body in endpoint.bodies[1:]] == 2 * [[merged]]
    assert "does not accept: a system role" in client.note()


def test_limit_that_is_too_large_is_no_unknown_field(endpoint, client, ask):
    endpoint.say(refusal("max_tokens is too large: 50. At most 10 are supported."))

    with pytest.raises(ChatError, match="too large"):
        client.complete(ask(schema=None))

    assert all("max_tokens" in body for body in endpoint.bodies)


def test_json_that_groq_rejects_is_asked_for_again(endpoint, client, ask):
    words = "Failed to generate JSON. See 'failed_generation'."
    endpoint.say(*2 * [refusal(words, code="json_validate_failed")], Answer())

    assert client.complete(ask()).n_retries == 2
    assert formats(endpoint) == 3 * ["json_schema"]


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "response_format: upstream failed"}},
        {"error": "response_format: upstream failed"},
        {"choices": [{"error": {"code": 502, "message": "json_schema"}}]},
        completion("half", finish_reason="error"),
    ],
)
def test_error_under_status_200_is_retried_and_changes_nothing(
    endpoint, client, ask, body
):
    endpoint.say(Answer(body=body), Answer())

    assert client.complete(ask()).n_retries == 1
    assert formats(endpoint) == ["json_schema", "json_schema"]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": 429, "message": "slow down"}, RateLimitError),
        ({"code": "rate_limit_exceeded", "message": "slow"}, RateLimitError),
        ({"code": 400, "message": "json_schema is odd"}, ChatError),
    ],
)
def test_code_of_an_error_under_status_200_counts(endpoint, client, ask, error, kind):
    endpoint.say(Answer(body={"error": error}))

    with pytest.raises(kind):
        client.complete(ask())

    assert set(formats(endpoint)) == {"json_schema"}


def test_sixteen_threads_probe_together(endpoint, client, ask, in_threads):
    endpoint.answer = lambda body, n: (
        refusal(NO_FORMAT)
        if "json_schema" in str(body.get("response_format"))
        else Answer()
    )

    in_threads(16, lambda i: client.complete(ask(seed=i)))

    n_refused = formats(endpoint).count("json_schema")
    assert n_refused <= 16
    assert formats(endpoint).count("json_object") == 16


class Notes(dict):
    """A store of capabilities."""

    find_capabilities = dict.get
    save_capabilities = dict.__setitem__


def test_capabilities_outlive_the_client(endpoint, chat, ask):
    notes = Notes()
    endpoint.answer = lambda body, n: refusal("no seed") if "seed" in body else Answer()
    for _ in range(2):
        client = chat.connect()
        client.use_store(notes)
        client.complete(ask())
        client.close()

    assert ["seed" in body for body in endpoint.bodies] == [True, False, False]
    assert list(notes) == [f"{endpoint.url} tiny"]


def test_guessed_capabilities_are_not_stored(endpoint, chat, ask):
    def answer(body, n):
        if "seed" in body:
            return refusal("no seed")
        return refusal("Bad.") if "json_schema" in str(body) else Answer()

    notes = Notes()
    endpoint.answer = answer
    client = chat.connect()
    client.use_store(notes)
    for _ in range(2):
        client.complete(ask())
    client.close()

    (kept,) = notes.values()
    assert formats(endpoint)[-2:] == ["json_object", "json_object"]
    assert (json.loads(kept)["format"], json.loads(kept)["takes_seed"]) == (
        "json_schema",
        False,
    )


@pytest.mark.parametrize(
    ("address", "field"),
    [
        ("https://api.openai.com/v1", "max_completion_tokens"),
        ("https://eu.api.openai.com/v1", "max_completion_tokens"),
        ("https://mine.openai.azure.com/openai/v1", "max_completion_tokens"),
        ("http://localhost:1/d?api-version=2024-10-21", "max_completion_tokens"),
        ("http://localhost:11434/v1", "max_tokens"),
        ("https://api.openai.com.evil.example/v1", "max_tokens"),
    ],
)
def test_name_of_the_token_limit_depends_on_the_endpoint(ask, address, field):
    first = Capabilities.for_endpoint(Endpoint.from_address(address))

    assert field in first.make_fields(ask(), None)


def test_client_notes_the_fields_that_are_dropped(endpoint, client, ask):
    def answer(body, n):
        wrong = "temperature" if "temperature" in body else "json_schema"
        return refusal(f"{wrong} is unknown") if wrong in str(body) else Answer()

    endpoint.answer = answer
    before = client.note()
    client.complete(ask())

    assert before == ""
    assert client.note() == (
        f"'tiny' at {endpoint.url} does not accept: temperature, a JSON schema (JSON "
        "mode is used instead). Its replies are read all the same."
    )
