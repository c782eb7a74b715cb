"""Units of measure in words: which one a column has, by its name and description."""

import re
import unicodedata
from itertools import pairwise
from typing import NamedTuple

DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"))
SIGNS = "$€£¥₹"

# Spellings of one unit a line, the first for all; those of a kind exclude each other.
UNITS = {
    "mass": """
        kg kgs kilo kilogram kilogramme
        g gm gr gram gramme
        mg mgs milligram milligramme
        ug mcg microgram
        ng nanogram
        pg picogram
        t ton tonne
        lb lbs
        pound
        oz ounce
        st stone""",
    "length": """
        km kms kilometer kilometre
        m meter metre
        dm decimeter decimetre
        cm cms centimeter centimetre
        mm millimeter millimetre
        um micrometer micrometre micron
        nm nanometer nanometre
        inch inches in
        ft foot feet
        yd yard
        mi mile""",
    "volume": """
        l liter litre ltr
        dl deciliter decilitre
        cl centiliter centilitre
        ml milliliter millilitre
        ul microliter microlitre
        fl femtoliter femtolitre
        gal gallon
        pint
        quart
        floz
        cup
        bbl barrel""",
    "area": """
        ha hectare
        acre""",
    "time": """
        year yr yrs y yo
        quarter
        month mo mos mth mths
        week wk wks
        day d
        h hr hrs hour
        min mins minute
        s sec secs second
        ms msec millisecond
        usec us microsecond
        ns nanosecond
        decade
        century centuries""",
    "temperature": """
        c celsius centigrade
        f fahrenheit
        kelvin""",
    "angle": """
        degree deg °
        rad radian""",
    "money": """
        dollar $
        usd us$
        aud a$ au$
        cad c$ ca$
        hkd hk$
        nzd nz$
        sgd s$
        eur € euro
        gbp £ quid
        ¥
        jpy yen
        cny rmb yuan
        inr ₹ rs rupee
        chf franc
        krw
        brl r$
        rub ruble rouble
        pln zloty
        sek nok dkk krona krone
        cent
        pence penny
        kusd k$
        keur k€ teur
        kgbp k£
        meur m€
        musd m$""",
    "share": """
        % percent percentage pct
        permille
        ppm
        ppb
        bps""",
    "amount": """
        mol mole
        mmol
        umol
        nmol
        pmol
        fmol
        iu
        u
        miu
        uiu
        mu
        uu
        meq
        mosm""",
    "pressure": """
        mmhg
        pa pascal
        hpa
        kpa
        megapa
        mpa
        bar
        mbar millibar
        psi
        atm""",
    "energy": """
        j joule
        kj kilojoule
        megaj
        mj
        cal calorie
        kcal kilocalorie
        wh
        kwh
        megawh
        mwh
        btu""",
    "power": """
        w watt
        kw kilowatt
        megaw megawatt
        mw milliwatt
        gw gigawatt
        hp horsepower""",
    "other": """
        v volt
        mv millivolt
        kv
        amp ampere
        ma milliampere
        ohm
        hz hertz
        khz
        megahz
        mhz
        ghz
        db decibel
        lux
        newton n
        kn knot
        byte
        kb kilobyte
        mb megabyte
        gb gigabyte
        tb terabyte
        rpm
        gy
        msv
        diopter dioptre""",
}
RATIOS = {"bpm": "beat/min", "mph": "mi/h", "kmh": "km/h", "kph": "km/h"}
RATIOS |= {"bmi": "kg/m2", "mpg": "mi/gal"}
COUNTED_THINGS = {"people": "person", "children": "child", "kid": "child"}
# Words that may mean another unit of the list, too: its rivals leave it be.
ALSO_MEANS = {
    "pound": {"lb", "gbp"},
    "lb": {"pound"},
    "gbp": {"pound"},
    "degree": {"c", "f"},
    "dollar": {"usd", "aud", "cad", "hkd", "nzd", "sgd"},
    "usd": {"dollar"},
    "¥": {"jpy", "cny"},
    "jpy": {"¥"},
    "cny": {"¥"},
}
PER_PERIOD = {"annual": "/year", "annually": "/year", "yearly": "/year"}
PER_PERIOD |= {"monthly": "/month", "weekly": "/week", "daily": "/day", "hourly": "/h"}
SHARE_WORDS = {"share", "fraction", "proportion", "ratio", "rate", "probability"}

UNIT_LINES = [
    (kind, line.split())
    for kind, lines in UNITS.items()
    for line in lines.splitlines()
    if line.strip()
]
KIND_OF_UNIT = {words[0]: kind for kind, words in UNIT_LINES}
UNIT_OF_WORD = {word: words[0] for _, words in UNIT_LINES for word in words}
UNIT_OF_WORD |= COUNTED_THINGS | RATIOS

# In this order: a later pattern sees what an earlier one wrote.
REWRITES = [
    (re.compile(pattern), new)
    for pattern, new in [
        (r"\^", ""),
        (r"(?<=[a-z])['\u2019][a-z]+\b", ""),  # "patient's" holds no second
        (r"\b[0-9]+(?:st|nd|rd|th)\b", " "),
        (r"\by\. ?o\.?|\b(?:years?|yrs?)[ -]old\b|\byears? of age\b", "year"),
        (r"\bper cent\b", "percent"),
        (r"(?:^|[\s_.-]+)per[\s_.-]+|\s*/\s*", "/"),
        (r"/1\.73 ?m2", "/bsa"),
        (r"body[ _.]mass[ _.]index", "bmi"),
        (r"\bus (?:dollars?\b|\$)", "usd"),
        (r"\bcanadian dollars?\b", "cad"),
        (r"\baustralian dollars?\b", "aud"),
        (r"\bmm ?\(?hg\b", "mmhg"),
        (r"\bfl\.? ?oz\b", "floz"),
        (r"\bmu (?=[gulm])", "u"),
        (r"\bmetric tons?\b", "t"),
        (r"(?<![a-z])(?:square[ ._]+|sq[ ._]*)([a-z]+)", r"\g<1>2"),
        (r"(?<![a-z])cubic[ ._]+([a-z]+)", r"\g<1>3"),
        (r"\bcc\b", "cm3"),
        (r"(?:\bdegrees?|\bdeg\.?|°) ?(?=(?:c|f|celsius|fahrenheit)\b)", ""),
    ]
]
MEGA = re.compile(r"\bM(?=(?:W|Wh|Hz|Pa|J)\b)")  # the only case that makes a difference
CAMEL_CASE = re.compile("(?<=[a-z]{3})(?=[A-Z])")  # of "heightCm", but not of "mmHg"
JOINED_WORDS = re.compile(r"[^\W\d_][^\W_]*(?:[_.-]+[^\W_]+)+")
INCHES = re.compile(r"\bin(?=\s*(?:$|[)\],;]))")  # "height (in)", "length, in"
LETTER = r"[^\W\d_]"
TOKEN = re.compile(
    rf"(?:[%°]|[a-z]{{0,2}}[{SIGNS}]|{LETTER}[^\W_]*)(?:/{LETTER}[^\W_]*)*"
)
BEFORE_MARKED = re.compile(r"(?:\bin|[(\[])\s*$")  # "(kg", "in kg": a column's unit
BEFORE_COUNTED = re.compile(r"[0-9][\s-]*$")  # "5 years" is a span, not a unit
MAX_BEFORE = 9  # characters before a word that are looked at
RARE_UNITS = {"in", "n", "us"}  # rarely units in a description
PLAIN_WORD = re.compile(rf"/?{LETTER}+(?:['/-]{LETTER}+)*")

# Of kinds that a currency sign may stand beside: "income per year" names no currency.
KINDS_BESIDE_MONEY = {"time", "ratio", "frequency"}


class Units(NamedTuple):
    """Units that a column's name and description name.

    Attributes
    ----------
    named : frozenset of str
        Units and other words that may follow the column's numbers.
    kinds : frozenset of str
        Kinds of these units: "mass", "length2" (an area), "ratio" (of two units),
        "frequency" (of anything else, per unit).
    takes_percent : bool
        No named unit contradicts a percent sign.
    """

    named: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    takes_percent: bool = True

    def accepts(self, unit: str) -> bool:
        """Tell whether a unit is the column's, or a part behind "per" is."""
        head, slash, tail = unit.partition("/")
        if not head:
            return any(name.endswith(unit) for name in self.named)
        heads = {head, *ALSO_MEANS.get(head, ())}
        return any(f"{head}{slash}{tail}" in self.named for head in heads)


NO_UNITS = Units()


def find_units(about: str) -> Units:
    """Return the units that a column's name and description give it.

    Of several units of one kind ("months, up to 5 years") the column's is the one in
    the name, in brackets or behind "in"; without such a mark none of them is. A unit
    behind a number counts least.

    Parameters
    ----------
    about : str
        The name and the description.
    """
    text = JOINED_WORDS.sub(_split_name, fold(CAMEL_CASE.sub("_", about)))
    ranks: dict[str, int] = {}
    for match in TOKEN.finditer(INCHES.sub("inch", text)):
        start = match.start()
        rank = _rank_unit(match.string[max(0, start - MAX_BEFORE) : start])
        for unit in _list_units(match[0]):
            ranks[unit] = max(rank, ranks.get(unit, 0))
    kinds = {find_kind(unit) for unit, rank in ranks.items() if rank} - {"", "each"}
    is_share = "%" in ranks or not SHARE_WORDS.isdisjoint(ranks)
    return Units(
        frozenset(unit for unit in ranks if _is_leading(unit, ranks)),
        frozenset(kinds),
        is_share or kinds <= KINDS_BESIDE_MONEY - {"ratio"},
    )


def _rank_unit(before: str) -> int:
    """Return how sure a word is a column's unit, by the text before it."""
    if BEFORE_MARKED.search(before):
        return 2
    return 0 if BEFORE_COUNTED.search(before) else 1


def fold(text: str) -> str:
    """Return words in one case, superscripts as digits, and units in one spelling."""
    text = MEGA.sub("mega", unicodedata.normalize("NFKC", text).translate(DASHES))
    text = text.casefold().replace("\u03bc", "u")
    for pattern, new in REWRITES:
        text = pattern.sub(new, text)
    return text


def _split_name(match: re.Match[str]) -> str:
    """Return "weight in kg" for "weight_kg", "in mg/dl" for "_mg_dl"."""
    parts = re.split(r"[_.-]+", match[0])
    if all(len(part) == 1 for part in parts):
        return " "  # "U.S." holds no second
    if parts[-1] == "in":
        parts[-1] = "inch"
    text = parts[0]
    for previous, part in pairwise(parts):
        was_unit, is_unit = (find_kind(find_unit(word)) for word in (previous, part))
        text += (("/" if was_unit else " in ") if is_unit else " ") + part
    return text


def _list_units(word: str) -> list[str]:
    """Return what a word of a description names: "hours/week" also hours."""
    if word in RARE_UNITS:
        return []
    unit = find_unit(word)
    head, slash, _ = unit.partition("/")
    is_alone = slash and find_kind(head) in ("", "time", "money")
    per_period = [PER_PERIOD[word]] if word in PER_PERIOD else []
    return [unit, head, *per_period] if is_alone else [unit, *per_period]


def find_unit(word: str) -> str:
    """Return a unit, or any other word, in the one spelling that is compared."""
    return "/".join(map(_find_part, word.split("/")))


def _find_part(word: str) -> str:
    base = word.rstrip("123") if word[-1:] in tuple("123") else word
    single = base.removesuffix("s") if len(base) > 3 else base
    power = word[len(base) :].removesuffix("1")
    return UNIT_OF_WORD.get(base, UNIT_OF_WORD.get(single, single)) + power


def find_kind(unit: str) -> str:
    """Return what a unit measures, nothing for other words."""
    if "/" in unit:
        head = unit.split("/")[0]
        if not any(map(find_kind, unit.split("/"))):
            return ""
        if not head:
            return "each"
        return "ratio" if find_kind(head) else "frequency"
    base = unit.rstrip("23")
    return KIND_OF_UNIT[base] + unit[len(base) :] if base in KIND_OF_UNIT else ""


def _is_leading(unit: str, ranks: dict[str, int]) -> bool:
    """Tell whether a unit ranks above all others of its kind."""
    kind = find_kind(unit)
    rivals = (other for other in ranks if kind and find_kind(other) == kind)
    return all(
        ranks[unit] > ranks[other]
        or other in {unit, *ALSO_MEANS.get(unit, ())}
        or unit in ALSO_MEANS.get(other, ())
        for other in rivals
    )
