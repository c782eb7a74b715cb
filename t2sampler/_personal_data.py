"""Find columns with data of persons: addresses, names and numbers of people.

The content decides alone where it is unmistakable (e-mail addresses, card numbers whose
check digit is right). Elsewhere the column's name has to say it and the content has to
look like it, since a column that is found here is left empty in new rows: a count of
phone calls or a company's name must not be lost.
"""

import ipaddress
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

N_VALUES = 500  # distinct values that are looked at
MAX_LENGTH = 200  # characters of each
MOST = 0.5  # of the values: others are "unknown", "see file", typing errors
SOME = 0.2  # of the values: a short list of given names knows about half of them
MANY = 1 / 3  # of the values, where the column's name is of no help
MIN_NAMES = 3  # a place, a product and a film may be called as a person
MIN_CARDS = 4  # of ten numbers one has the right check digit by chance
MIN_DIGITS = 4  # of a number: shorter ones are counts and codes
# A year, a price and a count of things have a thing's name, too.
COUNTED = re.compile(
    r"^(n|num|nb|no of|nr of|number of|anzahl|has|is|hat|days|time)\b"
    r"|\b(counts?|counter|calls|changes?|changed|opt|flags?|types?|art|kind|class|"
    r"status|verified|valid|validated|domain|provider|company|brand|model|usage|"
    r"minutes|seconds|bytes|data|price|prices|cost|costs|amount|revenue|balance|limit|"
    r"score|length|len|age|year|date|rate|share|percent|ratio|bill|plan|"
    r"fee|premium|paid|payments?|debt|spend|spending|transactions|total|sum|expiry|"
    r"expires|issued|since|until|sales|views|visits|volume|traffic|turnover|packets|"
    r"money|orders|returns|clicks|sessions|subscribers|claims|income)\b"
)
FLAGS = {
    *("", "0", "1", "y", "n", "yes", "no", "true", "false", "t", "f", "ja", "nein"),
    *("j", "oui", "non", "si", "none", "unknown", "na", "n/a", "null", "other", "x"),
}
PERSON = (
    "patient|customer|client|employee|worker|person|people|guest|passenger|contact|"
    "owner|student|pupil|teacher|member|user|applicant|subscriber|tenant|donor|doctor|"
    "physician|author|resident|recipient|sender|buyer|seller|cardholder|holder|kunde|"
    "kunden|mitarbeiter|kontakt|cliente|paciente|empleado"
)
TITLES = {
    *("mr", "mrs", "ms", "miss", "master", "dr", "prof", "herr", "frau", "mme", "mlle"),
    *("rev", "sir", "lady", "senor", "senora"),
}
# Given names that are common in English, German, French, Spanish and some others, and
# rarely name anything else.
SOME_NAMES = """
aaron abigail adam adrian ahmed aisha alan albert alejandro alexander alexandra alfred
ali alice amanda amelie amit amy ana andrea andreas andrew angela anita anja anna anne
annette anthony antoine antonio arthur ayse barbara beatrice ben benjamin bernd bernhard
birgit brandon brenda brian bruno camille carl carla carlos carmen carol caroline
catherine chantal charles charlotte chen chloe chris christian christina christine
christopher claire clara claudia cynthia daniel daniela david deborah dennis diego
dieter dirk dmitri donald donna dorothy eduardo edward elena elias elizabeth ella elsa
emily emma eric erik ethan eva fatima felix fernando finn francisco francois frank franz
fred friedrich gabriel gary georg george gerald gerhard giulia giuseppe grace greta
guillaume gustav hannah hans harold harry hassan heather heike heinz helen helena helga
henry herbert hugo ibrahim ines ingrid irene isabel isabella ivan jack jacob jacques
james jan jane janet jason javier jean jeff jeffrey jennifer jens jeremy jessica jill
jim joan joao joe johan johann johanna john jonas jonathan jorge jose joseph joshua juan
juergen julia julian julie jun jurgen karen karin karl kate katharina katherine kathleen
katja katrin kelly kenneth kevin klaus kurt larry lars laura lea leah lena leon leonie
liam linda lisa logan louis lucas lucia luis luisa lukas luke lynn manuel manuela marc
marcel marcus margaret maria marie marion mark markus martha martin martina mary mateo
matthew matthias max maximilian megan mehmet melanie melissa mia michael michelle miguel
mike mohamed mohammed monica monika muhammad nadine nancy natalia natalie nathan
nicholas nicolas nicole nina noah nora olga oliver olivia omar oscar otto owen pablo
pamela patricia patrick paul paula pedro peter petra philip philipp pierre piotr priya
rachel rafael rahul rainer ralf ramon raymond rebecca renate richard rita robert roberto
rolf ronald rosa ruth ryan sabine samantha samuel sandra sara sarah scott sean sebastian
sergio sharon silke silvia simon simone sofia sofie sophia sophie stefan stefanie
stephanie stephen steven susan susanne sven sylvie teresa theo theresa thomas tim
timothy tina tobias tom tyler ursula ute uwe vanessa vincent walter wei werner william
wolfgang xavier yasmin yuki yusuf
"""
GIVEN_NAMES = frozenset(SOME_NAMES.split())
LETTERS = r"[^\W\d_]"
NUMBER = "number|numbers|nummer|no|nr|num"
DATE = r"\d{4}[-/.]\d\d?[-/.]\d\d?\b|\d\d?[-/.]\d\d?[-/.]\d{4}\b"
EMAIL = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}\b", re.I)
PHONE = re.compile(
    r"\+(?!\d*\.\d*$)[1-9]\d{0,2}[\s/.(-]*[\d\s/.()-]+\d"  # +49 170 1234567
    r"|00[1-9]\d? \(?\d[\d\s/.()-]+\d"  # 0049 170 1234567
    r"|(?:1[\s.-])?(?:\(\d{3}\) ?|\d{3}[.\s-])\d{3}[.\s-]\d{4}(?: ?(?:x|ext)\W*\d+)?"
    r"|01[567]\d{1,2}[\s/-]\d[\d\s-]{5,9}"  # 0170 1234567
    r"|0\d{2,4} ?/ ?\d[\d -]{4,}"  # 030/1234567
    r"|0\d{2,4} \d{3,4} \d{3,4}"  # 020 7946 0123
    r"|0[1-9](?:[ .-]\d\d){4}",  # 06 12 34 56 78
    re.I,
)
IDENTITY = re.compile(
    r"\d{3}-\d{2}-\d{4}"  # social security number, US
    r"|[A-CEGHJ-PR-TW-Z][A-NP-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]"  # national insurance, UK
    r"|\d{2} ?(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[012])\d{2} ?[A-Z] ?\d{3}"  # Germany
    r"|[12] \d{2} (?:0[1-9]|1[012]) \d[\dAB] \d{3} \d{3}(?: \d{2})?"  # France
)
STREET = re.compile(
    rf"\d{{1,5}}\w? (?:{LETTERS}|[\d.' ])+ (?:street|st|avenue|ave|road|rd|lane|ln|"
    r"boulevard|blvd|(?<!hard )drive|dr)\b"
    rf"|{LETTERS}[\w.\- ]*(?:straße|strasse|str\.|weg|gasse|allee|platz) ?\d+ ?[a-z]?\b"
    r"|\d{1,4}(?: bis| ter)?,? (?:rue|avenue|boulevard|place|chemin|impasse) "
    r"|(?:(?:calle|avenida|plaza)\b|c/) ?\D+,? \d+",
    re.I,
)
NAMED_PERSON = re.compile(
    rf"\b(sur|last|first|fore|given|family|middle|maiden|birth|full|real|nick|user|"
    rf"legal|({PERSON})( ?s)?) ?names?\b|\b[fl] ?name\b"
    r"|\b(nach|vor|familien|geburts|kunden|patienten|benutzer|mitarbeiter)namen?\b"
    r"|\bprenoms?\b|\bnom (de famille|complet)\b|\bapellidos?\b|\bnombre completo\b"
    r"|\b(имя|фамилия|отчество|фио)\b|姓名|名前|氏名"
    rf"|\b(name|names|nom|nombre) (of |du |de |del )?(the |la |le )?({PERSON})s?\b"
)
NAMED = re.compile(rf"((names?|nom|nombre|nome|\d+|({PERSON})s?)( |$))+")
NO_PERSON = re.compile(
    r"\b(firma|product|item|event|file|team|school|hospital|city|town|stadt|street|"
    r"station|country|state|county|region|district|species|drug|car|vehicle|ship|"
    r"project|store|shop|title|film|movie|book|song|course|department)\b"
)


@dataclass(frozen=True)
class Kind:
    """A kind of personal data.

    Attributes
    ----------
    what : str
        The values in words.
    named : re.Pattern
        Of a column's name, whose words are in lower case and without accents.
    plausible : re.Pattern
        Of a value, where the name says the kind.
    is_certain : callable, default=None
        Whether a value, as text, is of this kind whatever the column's name.
    of_column : callable, default=None
        Whether all values, given the words of the column's name, are of this kind.
    """

    what: str
    named: re.Pattern
    plausible: re.Pattern
    is_certain: Callable[[str], bool] | None = None
    of_column: Callable[[list[str], str], bool] | None = None


def find_personal_data(values: pd.Series, name) -> str | None:
    """Return what the values of a column tell of persons; None if they do not.

    Parameters
    ----------
    values : Series
        Of any dtype, with gaps or without, in any order.
    name : hashable
        The column's name.

    Returns
    -------
    what : str or None
        "e-mail addresses", "phone numbers", "insurance or identity numbers", "account
        or card numbers", "IP addresses", "street addresses" or "names of people".
        Coordinates, dates of birth and ids are not found here.
    """
    texts = _distinct_texts(values)
    if all(text.casefold() in FLAGS for text in texts):
        return None
    words = _words_of(name)
    found = (kind.what for kind in KINDS if _is_kind(kind, texts, words))
    return next(found, None)


def _distinct_texts(values):
    """Return some distinct values as text: the same ones for any order of the rows."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        seen = np.unique(values.cat.codes[values.notna()])
        values = values.cat.categories[seen].to_series()
    if values.dtype.kind not in "iufOU":
        return []
    try:
        present = values.dropna().drop_duplicates()
    except (TypeError, NotImplementedError):  # lists and the like
        return []
    if values.dtype.kind in "iuf":
        present = present.to_numpy(dtype=float if values.dtype.kind == "f" else None)
        is_whole = np.isfinite(present).all() and not (present % 1).any()
        if not is_whole or (np.abs(present) < 10 ** (MIN_DIGITS - 1)).all():
            return []
    else:
        present = present.to_numpy(dtype=object)
    if len(present) > N_VALUES:
        hashes = pd.util.hash_array(present, categorize=False)
        present = present[np.argpartition(hashes, N_VALUES)[:N_VALUES]]
    return sorted({_write(value) for value in present.tolist()})


def _write(value):
    """Return a value as text, the start of it; a whole number without its point."""
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    return re.sub(r"^(\d+)\.0$", r"\1", str(value)[:MAX_LENGTH].strip())


def _words_of(name):
    """Return the words of a column's name: of customerName and CUSTOMER-NAME, too."""
    parts = name if isinstance(name, tuple) else (name,)
    text = " ".join(map(str, parts))
    text = re.sub(r"([a-zß-ÿ])([A-ZÀ-Þ])", r"\1 \2", text)
    return " ".join(re.findall(rf"{LETTERS}+|\d+", _plain(text)))


def _plain(text):
    """Return text in lower case and without accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def _is_kind(kind, texts, words):
    """Tell whether values, or the column's name and they, are of a kind."""
    if kind.of_column is not None and kind.of_column(texts, words):
        return True
    if kind.is_certain is not None and _share(kind.is_certain, texts) > MOST:
        return True
    is_named = kind.named.search(words) and not COUNTED.search(words)
    return bool(is_named) and _share(kind.plausible.search, texts) > MOST


def _share(test, texts):
    return sum(1 for text in texts if test(text)) / len(texts)


def _are_card_numbers(texts, words):
    """Tell whether all values are numbers of 13 to 19 digits with their check digit."""
    numbers = [re.sub(r"[ -]", "", text) for text in texts]
    return len(numbers) >= MIN_CARDS and all(map(_is_card_number, numbers))


def _is_card_number(number):
    if not re.fullmatch(r"[3-6]\d{12,18}", number):
        return False
    digits = [int(digit) for digit in reversed(number)]
    doubled = [2 * digit - 9 * (digit > 4) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _is_iban(text):
    """Tell whether text is an IBAN with the right check digits (ISO 13616)."""
    number = re.sub(r"\s", "", text).upper()
    if not re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", number):
        return False
    digits = "".join(str(int(char, 36)) for char in number[4:] + number[:4])
    return int(digits) % 97 == 1


def _is_ip_address(text):
    if not re.fullmatch(r"(\d+\.){3}\d+|[\da-fA-F:.]+:[\da-fA-F:.]+", text):
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return sum(char.isalnum() for char in text) >= 7  # 1.2.3.4 may be a version


def _is_phone_number(text):
    """Tell whether text is written as phone numbers are, and nothing else is."""
    n_digits = sum(char.isdigit() for char in text)
    return 9 <= n_digits <= 20 and PHONE.fullmatch(text) is not None


def _is_identity_number(text):
    if re.fullmatch(r"\d{8}[A-Z]", text):  # DNI: its letter is a check digit
        return "TRWAGMYFPDXBNJZSQVHLCKE"[int(text[:8]) % 23] == text[8]
    return IDENTITY.fullmatch(text) is not None


def _are_names(texts, words):
    """Tell whether values are names of people, where no first or last name is said."""
    if COUNTED.search(words) or NO_PERSON.search(words):
        return False
    if NAMED.fullmatch(words):
        return _share(_has_given_name, texts) > SOME
    n_names = sum(1 for text in texts if _is_full_name(text))
    return n_names >= MIN_NAMES and n_names / len(texts) > MANY


def _has_given_name(text):
    words = re.findall(f"{LETTERS}+", _plain(text))
    is_name = (
        re.fullmatch(rf"(?:{LETTERS}|[\s.,'\u2019()\"-])+", text) and len(words) <= 8
    )
    return bool(is_name) and any(word in GIVEN_NAMES for word in words)


def _is_full_name(text):
    """Tell whether text is as Anna Schmidt, Schmidt, Anna or Dr. Anna Schmidt."""
    if not re.fullmatch(rf"(?:{LETTERS}|[\s.,'\u2019-])+", text):
        return False
    before, comma, after = _plain(text).partition(",")
    words = re.findall(f"{LETTERS}+", after if comma else before)
    n_words = len(re.findall(f"{LETTERS}+", text))
    is_titled = bool(words) and words[0] in TITLES
    given = words[1:] if is_titled else words
    return 2 <= n_words <= 6 and bool(given) and (is_titled or given[0] in GIVEN_NAMES)


KINDS = (
    Kind(
        "e-mail addresses",
        re.compile(r"\be ?mail|\bmails?(adresse|address)?\b|\bcourriel|\bcorreo\b"),
        re.compile(r"@|[(\[ ]at[)\] ]|\w\.\w"),
        lambda text: EMAIL.search(text) is not None,
    ),
    Kind(
        "phone numbers",
        re.compile(
            r"\b(phones?|telephones?|telefon\w*|tel|handy(nummer|nr)?|mobile|mobil|"
            r"mobil(nummer|telefon)|cell ?(phone|number|no|nr)|fax\w*|movil)\b"
            r"|phone ?(number|no|nr|num)|\bтелефон\b|电话|手机"  # noqa: RUF001
        ),
        re.compile(
            rf"^(?!{DATE})\W*(?:\d[\s().\-/]*){{6,15}}(?:(?:x|ext)[\s.]*\d+)?$", re.I
        ),
        _is_phone_number,
    ),
    Kind(
        "insurance or identity numbers",
        re.compile(
            rf"\b(ssns?|ssnr|svnr|kvnr|nino|dni|nif|curp|cpf|aadhaar|mrn|kennzeichen|"
            r"social ?security\w*|sozialversicherung\w*|seguridad social|"
            r"securite sociale|national (id|insurance)\w*|identity (card|number|no)|"
            r"id (card|number)|medical record|passport\w*|passeport|pasaporte|"
            r"reisepass\w*|(personal)?ausweis\w*|versicher\w*(nummer|nr)|"
            r"steuer ?(nummer|nr|id)|drivers? licen[cs]e|licen[cs]e plate|"
            rf"(insurance|insured|policy|tax|nhs|versicher\w*) ?({NUMBER}|id)|"
            r"taxpayer\w*)\b"
        ),
        re.compile(rf"^(?!{DATE})(?=(?:\D*\d){{4}})[A-Za-z\d][A-Za-z\d\s./-]{{3,29}}$"),
        _is_identity_number,
    ),
    Kind(
        "account or card numbers",
        re.compile(
            rf"\b(iban\w*|bank ?accounts?|bankverbindung|konto ?({NUMBER})|"
            rf"(account|acct|card|cc|giro|credit ?card) ?({NUMBER})|"
            r"(credit|debit) ?cards?|kreditkarte\w*|"
            r"numero de (cuenta|tarjeta|compte|carte))\b"
        ),
        re.compile(r"^(?=(?:\D*\d){6}|(?:.*[*xX]){4})[\w*\s./-]{6,40}$"),
        _is_iban,
        _are_card_numbers,
    ),
    Kind(
        "IP addresses",
        re.compile(r"\bip( ?v? ?[46])?\b|\bip ?add?ress|\bipadresse"),
        re.compile(r"^[\da-fA-F]*[.:][\da-fA-F.:]+[.:][\da-fA-F*x]*(/\d+)?$"),
        _is_ip_address,
    ),
    Kind(
        "street addresses",
        re.compile(
            r"^(?!.*\b(ip|mac|web|url|e ?mail|memory|wallet|host|site)\b).*"
            r"\b(street|strasse|address(es)?|adresse|anschrift|wohnort adresse|"
            r"direccion|domicilio|domicile|calle|rue)\b|streetaddress"
        ),
        re.compile(
            r"\b(street|st|avenue|ave|road|rd|lane|ln|drive|dr|boulevard|blvd|court|"
            r"ct|way|place|square|terrace|rue|chemin|calle|avenida|plaza)\b"
            r"|(strasse|straße|str\.|weg|gasse|allee|platz|ring|damm|ufer)\b"
            rf"|{LETTERS}{{3}}.* \d|\d.* {LETTERS}{{3}}",
            re.I,
        ),
        lambda text: STREET.match(text) is not None,
    ),
    Kind(
        "names of people",
        NAMED_PERSON,
        re.compile(LETTERS + "{2}"),
        of_column=_are_names,
    ),
)
