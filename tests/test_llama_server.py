"""The real server answers under a schema, and refuses what it should."""

import json

import openai
import pytest
from doubles.llama_server import without_schemas

pytestmark = pytest.mark.server

ROW = {
    "i": {"type": "integer"},
    "c1": {"type": ["number", "null"]},
    "c2": {"type": "string", "enum": ["A", "B"]},
    "c3": {"type": "boolean"},
}
SCHEMA = {
    "type": "object",
    "properties": {
        "rows": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": ROW,
                "required": list(ROW),
                "additionalProperties": False,
            },
            "minItems": 5,
            "maxItems": 5,
        }
    },
    "required": ["rows"],
    "additionalProperties": False,
}
FORM = {"type": "json_schema", "json_schema": {"name": "rows", "schema": SCHEMA}}


def ask(url, text, response_format):
    with openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client:
        return client.chat.completions.create(
            model="any",
            messages=[{"role": "user", "content": text}],
            response_format=response_format,
            max_tokens=400,
            seed=0,
        )


def test_five_rows_under_a_schema(llama_url):
    reply = ask(llama_url, "Five rows.", FORM)
    rows = json.loads(reply.choices[0].message.content)["rows"]

    assert len(rows) == 5
    assert all(set(row) == set(ROW) and row["c2"] in "AB" for row in rows)
    assert reply.usage.completion_tokens > 50


def test_what_does_not_fit_the_context_is_refused(llama_url):
    with pytest.raises(openai.BadRequestError, match="exceeds the available context"):
        ask(llama_url, "five rows " * 2000, FORM)


def test_proxy_refuses_schemas_alone(llama_url):
    with without_schemas(llama_url) as (url, formats):
        with pytest.raises(openai.BadRequestError, match="json_object"):
            ask(url, "Five rows.", FORM)
        ask(url, "Five rows.", {"type": "json_object"})

    assert formats == ["json_schema", "json_object"]
