"""The manager that is a language model: one question, at most one more, then a plan."""

from collections.abc import Hashable
from typing import Any

from t2sampler.chat._asking import Complete
from t2sampler.chat._context import Briefing
from t2sampler.chat._formatting import quote
from t2sampler.chat._parse_reply import find_objects, load
from t2sampler.chat._prompts import fill, write_prefix
from t2sampler.chat._repair_plan import claims_any, mend_parts, mend_plan
from t2sampler.chat._reply_schema import closed_object
from t2sampler.chat._rules import rules_schema, take_rules
from t2sampler.exceptions import BudgetError, ChatError, ContextOverflowError
from t2sampler.llm._base import Chat, ChatReply, ChatRequest
from t2sampler.team._plan import Component, Plan
from t2sampler.team._plan_from_data import LEFT_OUT, make_plan

MAX_ENUM = 100  # keys that are listed in the schema
ONE_WORKER = "all columns"
MAX_QUOTED = 20_000  # characters of a faulty answer that are sent back
NO_PLAN = "Plan: the manager's answers held none; it was found from the data instead."


def ask_plan(
    briefing: Briefing, chat: Chat, complete: Complete
) -> tuple[Plan, list[str]]:
    """Return a manager's plan for a table, and notes on what was mended.

    A plan with faults is sent back once with the faults named; what is still wrong then
    is mended by rule. Rules the manager proposes become part of the plan where every
    real row obeys them.

    Parameters
    ----------
    briefing : Briefing
    chat : Chat
    complete : callable
        Answers a request.

    Raises
    ------
    GeneratorError
        The manager cannot be asked.
    """
    columns = {key: column.name for key, column in briefing.columns_by_key().items()}
    if not columns:
        return _put_together(Plan(()), [], briefing), []
    content = _ask_twice(briefing, chat, complete, list(columns))
    plan, notes = mend_plan(content, columns, briefing.names())
    if not claims_any(content, list(columns), briefing.names()):
        plan, notes = _plan_from_data(briefing), [NO_PLAN]
    rules, more = take_rules(content, briefing)
    return _put_together(plan, rules, briefing), [*notes, *more]


def one_worker(briefing: Briefing) -> Plan:
    """Return the plan that is best for a table of few columns: one worker for all."""
    columns = tuple(column.name for column in briefing.columns)
    parts = (Component(ONE_WORKER, columns),) if columns else ()
    return _put_together(Plan(parts), [], briefing)


def plan_question(
    briefing: Briefing, chat: Chat, *, with_rows: bool = True
) -> ChatRequest:
    """Return what the manager is asked first.

    Parameters
    ----------
    briefing : Briefing
    chat : Chat
    with_rows : bool, default=True
        False: without real rows.
    """
    keys = list(briefing.columns_by_key())
    label = quote(briefing.label_key)
    text = fill("manager", label=label, columns=", ".join(map(quote, keys)))
    prefix = write_prefix(briefing, with_rows=with_rows)
    messages = (("system", prefix), ("user", text))
    return ChatRequest(
        chat, "manager", messages, _plan_schema(keys), chat.max_tokens, 0
    )


def _ask_twice(
    briefing: Briefing, chat: Chat, complete: Complete, keys: list[str]
) -> object:
    """Return the content of the first answer without faults, else of the better one."""
    request, reply = _ask_first(briefing, chat, complete)
    content = _read(reply.text)
    faults = mend_parts(content, keys, briefing.names())[1]
    if not faults:
        return content
    said = "; ".join(fault.say() for fault in faults)
    again = (
        *request.messages,
        ("assistant", reply.text[:MAX_QUOTED] or "(nothing)"),
        ("user", f"The plan has faults: {said}. Send the whole plan again, mended."),
    )
    request = ChatRequest(
        chat, "manager", again, request.schema, chat.max_tokens, 0, attempt=1
    )
    try:
        second = _read(complete(request).text)
    except BudgetError:
        return content
    except ChatError as error:
        if error.is_fatal:
            raise
        return content
    return second if claims_any(second, keys, briefing.names()) else content


def _ask_first(
    briefing: Briefing, chat: Chat, complete: Complete
) -> tuple[ChatRequest, ChatReply]:
    """Ask with real rows; without them where they do not fit the model's context."""
    request = plan_question(briefing, chat)
    try:
        return request, complete(request)
    except ContextOverflowError:
        if not briefing.example_rows:
            raise
    request = plan_question(briefing, chat, with_rows=False)
    return request, complete(request)


def _read(text: str) -> object:
    """Return what a text holds of a plan: all of it, else the components it has."""
    try:
        content = load(text)
    except ValueError:
        found = list(find_objects(text))
        whole = (part for part in found if "components" in part)
        return next(
            whole, {"components": [part for part in found if "columns" in part]}
        )
    return {"components": content} if isinstance(content, list) else content


def _plan_from_data(briefing: Briefing) -> Plan:
    return make_plan(briefing.codes, briefing.schema)


def _put_together(plan: Plan, rules: list[Any], briefing: Briefing) -> Plan:
    """Return a plan with its rules, and with a component for what is never written."""
    planned = set(plan.columns)
    left_out: tuple[Hashable, ...] = tuple(
        c.name for c in briefing.schema.columns if c.name not in planned
    )
    parts = list(plan.components)
    if left_out:
        name = LEFT_OUT
        while name in {part.name for part in parts}:
            name += "'"
        role = "names, ids, free text, empty columns: not copied from real rows"
        parts.append(Component(name, left_out, role=role))
    return Plan(tuple(parts), tuple(rules))


def _plan_schema(keys: list[str]) -> dict[str, Any]:
    text = {"type": "string"}
    key = {**text, "enum": keys} if len(keys) <= MAX_ENUM else text
    component = closed_object(
        {
            "name": text,
            "role": text,
            "columns": {"type": "array", "items": key},
            "reads": {"type": "array", "items": text},
        }
    )
    return closed_object(
        {
            "components": {"type": "array", "items": component},
            "rules": rules_schema(keys),
        }
    )
