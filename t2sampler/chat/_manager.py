"""Manager: a language model that is asked for a plan, and once to correct it."""

from typing import Any

from t2sampler.chat._chat_worker import Complete
from t2sampler.chat._context import PromptContext
from t2sampler.chat._parse_reply import find_objects, load_json
from t2sampler.chat._prompts import (
    EMPTY_ANSWER,
    write_manager,
    write_manager_again,
    write_system,
)
from t2sampler.chat._repair_plan import assigns_any_column, repair_parts, repair_plan
from t2sampler.chat._reply_schema import strict_object
from t2sampler.chat._rules import MAX_LISTED_KEYS, parse_rules, rules_schema
from t2sampler.exceptions import BudgetError, ChatError, ContextOverflowError
from t2sampler.llm._base import Chat, ChatReply, ChatRequest
from t2sampler.team._plan import Component, Plan
from t2sampler.team._plan_from_data import left_missing_component, make_plan

ONE_COMPONENT = "all columns"
MAX_QUOTED = 20_000  # characters of a faulty answer that are sent back
NO_PLAN = "Plan: the manager gave no plan, so it was made from the data."


def ask_plan(
    context: PromptContext, chat: Chat, complete: Complete
) -> tuple[Plan, list[str]]:
    """Return a manager's plan for a table, and notes on what was repaired.

    A plan with faults is sent back once with the faults named; those that remain are
    repaired by rule. Rules the manager proposes become part of the plan where every
    real row obeys them.

    Parameters
    ----------
    context : PromptContext
    chat : Chat
    complete : callable
        Answers a request: the session's.

    Raises
    ------
    GeneratorError
        The manager cannot be asked.
    """
    columns = {key: column.name for key, column in context.columns_by_key().items()}
    if not columns:
        return _complete_plan(Plan(()), [], context), []
    content = _ask_twice(context, chat, complete, list(columns))
    if assigns_any_column(content, list(columns), context.aliases()):
        plan, notes = repair_plan(content, columns, context.aliases())
    else:
        plan, notes = make_plan(context.codes, context.schema), [NO_PLAN]
    rules, rule_notes = parse_rules(content, context)
    return _complete_plan(plan, rules, context), [*notes, *rule_notes]


def single_worker_plan(context: PromptContext) -> Plan:
    """Return the plan that is best for a table of few columns: one worker for all."""
    columns = tuple(column.name for column in context.columns)
    components = (Component(ONE_COMPONENT, columns),) if columns else ()
    return _complete_plan(Plan(components), [], context)


def request_plan(
    context: PromptContext, chat: Chat, *, with_rows: bool = True
) -> ChatRequest:
    """Return the first request to the manager.

    Parameters
    ----------
    context : PromptContext
    chat : Chat
    with_rows : bool, default=True
        False: without real rows.
    """
    system = write_system(context, with_rows=with_rows)
    messages = (("system", system), ("user", write_manager(context)))
    schema = _plan_schema(list(context.columns_by_key()))
    return ChatRequest(chat, "manager", messages, schema, chat.max_tokens, 0)


def _ask_twice(
    context: PromptContext, chat: Chat, complete: Complete, keys: list[str]
) -> object:
    """Return the first answer without faults, else the last that assigns a column."""
    request, reply = _ask_first(context, chat, complete)
    content = _parse_plan(reply.text)
    faults = repair_parts(content, keys, context.aliases())[1]
    if not faults:
        return content
    messages = (
        *request.messages,
        ("assistant", reply.text[:MAX_QUOTED] or EMPTY_ANSWER),
        ("user", write_manager_again([fault.describe() for fault in faults])),
    )
    request = ChatRequest(
        chat, "manager", messages, request.schema, chat.max_tokens, 0, attempt=1
    )
    # The first answer can be repaired: no failure of the second call stops the fit.
    try:
        second = _parse_plan(complete(request).text)
    except BudgetError:
        return content
    except ChatError as error:
        if error.is_fatal:
            raise
        return content
    return second if assigns_any_column(second, keys, context.aliases()) else content


def _ask_first(
    context: PromptContext, chat: Chat, complete: Complete
) -> tuple[ChatRequest, ChatReply]:
    """Ask with real rows; without them where they do not fit the model's context."""
    request = request_plan(context, chat)
    try:
        return request, complete(request)
    except ContextOverflowError:
        if not context.example_rows:
            raise
    request = request_plan(context, chat, with_rows=False)
    return request, complete(request)


def _parse_plan(text: str) -> object:
    """Return the plan in a text: all of it, else the components that it holds whole."""
    try:
        content = load_json(text)
    except ValueError:
        # Prose around the plan, or a reply that was cut off.
        objects = list(find_objects(text))
        plans = (part for part in objects if "components" in part)
        components = [part for part in objects if "columns" in part]
        return next(plans, {"components": components})
    # The list may come without the object around it.
    return {"components": content} if isinstance(content, list) else content


def _complete_plan(plan: Plan, rules: list[Any], context: PromptContext) -> Plan:
    """Return a plan with its rules, and with a component of what is never written."""
    planned = set(plan.columns)
    unplanned = [name for name in context.schema.names if name not in planned]
    components = list(plan.components)
    if unplanned:
        components.append(left_missing_component(unplanned, components))
    return Plan(tuple(components), tuple(rules))


def _plan_schema(keys: list[str]) -> dict[str, Any]:
    text = {"type": "string"}
    key = {**text, "enum": keys} if len(keys) <= MAX_LISTED_KEYS else text
    component = strict_object(
        {
            "name": text,
            "role": text,
            "columns": {"type": "array", "items": key},
            "reads": {"type": "array", "items": text},
        }
    )
    return strict_object(
        {
            "components": {"type": "array", "items": component},
            "rules": rules_schema(keys),
        }
    )
