"""Units of measure in words: which is a column's, by its name and description."""

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
COUNTS = {"people": "person", "children": "child", "kid": "child"}
# Spellings that another unit may be meant by.
ALSO = {
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
EACH = {"annual": "/year", "annually": "/year", "yearly": "/year"}
EACH |= {"monthly": "/month", "weekly": "/week", "daily": "/day", "hourly": "/h"}
PARTS = {"share", "fraction", "proportion", "ratio", "rate", "probability"}

LINES = [(kind, line.split()) for kind, v in UNITS.items() for line in v.splitlines()]
KINDS = {words[0]: kind for kind, words in LINES if words}
SPELLED = {word: words[0] for _, words in LINES for word in words} | COUNTS | RATIOS

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
HUMP = re.compile("(?<=[a-z]{3})(?=[A-Z])")  # of "heightCm", but not of "mmHg"
JOINED = re.compile(r"[^\W\d_][^\W_]*(?:[_.-]+[^\W_]+)+")
INCHES = re.compile(r"\bin(?=\s*(?:$|[)\],;]))")  # "height (in)", "length, in"
LETTER = r"[^\W\d_]"
TOKEN = re.compile(
    rf"(?:[%°]|[a-z]{{0,2}}[{SIGNS}]|{LETTER}[^\W_]*)(?:/{LETTER}[^\W_]*)*"
)
MARKED, COUNTED = re.compile(r"(?:\bin|[(\[])\s*$"), re.compile(r"[0-9][\s-]*$")
SHY = {"in", "n", "us"}  # rarely units in a description
PLAIN_WORD = re.compile(rf"/?{LETTER}+(?:['/-]{LETTER}+)*")

UNPRICED = {"time", "ratio", "frequency"}  # "income per year": in which currency?


class Units(NamedTuple):
    """What the words about a column say of its unit.

    Attributes
    ----------
    own : frozenset of str
        Units and other words that may stand behind the column's numbers.
    kinds : frozenset of str
        Of which kinds units are named: "mass", "length2" (an area), "ratio" (of two
        units), "frequency" (of anything else, per unit).
    takes_percent : bool
        Nothing named is at odds with a percent sign.
    """

    own: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    takes_percent: bool = True

    def holds(self, unit: str) -> bool:
        """Tell whether a unit is the column's, or a part behind "per" is."""
        head, slash, rest = unit.partition("/")
        if not head:
            return any(own.endswith(unit) for own in self.own)
        heads = {head, *ALSO.get(head, ())}
        return any(f"{head}{slash}{rest}" in self.own for head in heads)


NOTHING_SAID = Units()


def find_units(about: str) -> Units:
    """Return the units that a column's name and description give it.

    Of several units of one kind ("months, up to 5 years") the column's is the one in
    the name, in brackets or behind "in"; without such a mark nobody can tell, and none
    of them is. A unit behind a number is the last to be believed.
    """
    text = JOINED.sub(_split_name, fold(HUMP.sub("_", about)))
    found: dict[str, int] = {}
    for match in TOKEN.finditer(INCHES.sub("inch", text)):
        before = match.string[max(0, match.start() - 9) : match.start()]
        rank = 2 if MARKED.search(before) else 0 if COUNTED.search(before) else 1
        for unit in _list_units(match[0]):
            found[unit] = max(rank, found.get(unit, 0))
    kinds = {find_kind(unit) for unit, rank in found.items() if rank} - {"", "each"}
    return Units(
        frozenset(unit for unit in found if _is_leading(unit, found)),
        frozenset(kinds),
        kinds <= UNPRICED - {"ratio"} or "%" in found or not PARTS.isdisjoint(found),
    )


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
    for last, part in pairwise(parts):
        is_unit, follows = (find_kind(find_unit(word)) for word in (part, last))
        text += (("/" if follows else " in ") if is_unit else " ") + part
    return text


def _list_units(word: str) -> list[str]:
    """Return what a word of a description names: "hours/week" also hours."""
    if word in SHY:
        return []
    unit = find_unit(word)
    head, slash, _ = unit.partition("/")
    is_alone = slash and find_kind(head) in ("", "time", "money")
    each = [EACH[word]] if word in EACH else []
    return [unit, head, *each] if is_alone else [unit, *each]


def find_unit(word: str) -> str:
    """Return a unit, or any other word, in the one spelling that is compared."""
    return "/".join(map(_find_part, word.split("/")))


def _find_part(word: str) -> str:
    base = word.rstrip("123") if word[-1:] in tuple("123") else word
    single = base.removesuffix("s") if len(base) > 3 else base
    power = word[len(base) :].removesuffix("1")
    return SPELLED.get(base, SPELLED.get(single, single)) + power


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
    return KINDS[base] + unit[len(base) :] if base in KINDS else ""


def _is_leading(unit: str, found: dict[str, int]) -> bool:
    """Tell whether a unit is clearly meant, of all those of its kind."""
    kind = find_kind(unit)
    rivals = (other for other in found if kind and find_kind(other) == kind)
    return all(
        found[unit] > found[other]
        or other in {unit, *ALSO.get(unit, ())}
        or unit in ALSO.get(other, ())
        for other in rivals
    )
