"""The systems that ask a language model, by name, for tests of what they share."""

from t2sampler.generators import CLLM, EPIC, HTDBU, MALLMGAN, TAGAL

MAKE = {
    "CLLM": CLLM,
    "EPIC": EPIC,
    "TAGAL": TAGAL,
    "MALLMGAN": MALLMGAN,
    "HTDBU": lambda chat, **settings: HTDBU(chat=chat, **settings),
}
