"""Numbers in words: units, ranges, thousands, decimal commas, read by rule."""

import math
import re
import unicodedata
from itertools import pairwise
from typing import NamedTuple

MAX_LENGTH = 200  # characters of a text that may hold one number
DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"))
DEGREES = str.maketrans(dict.fromkeys("\u00ba\u02da", "°"))  # signs that look like it

THREE, SOME, SIGNS = "[0-9]{3}", "[0-9]+", "$€£¥₹"
GROUPED = (
    rf"[1-9][0-9]{{0,2}}(?:(?:,{THREE})+(?:\.{SOME})?|(?:[ '_]{THREE})+(?:[.,]{SOME})?)"
)
POINTED = rf"[1-9][0-9]{{0,2}}(?:(?:\.{THREE})+,{SOME}|(?:\.{THREE}){{2,}})"
PLAIN = rf"{SOME},{SOME}|(?:{SOME}(?:\.[0-9]*)?|\.{SOME})(?:[eE][+-]?{SOME})?"
NUMBER = rf"[+-]?(?:{GROUPED}|{POINTED}|{PLAIN})"
HEDGE = r"(?:about|around|approx\.?|approximately|circa|ca\.|~|≈)\s*"
# Letters right before a point and digits would leave ".5" of "Rs.5".
LETTERS = r"[^\W\d_]+(?!\.[0-9])\.?\s*"
WORD = r"[^\W\d_][^\d\s/·*^]*(?:\^?[23])?"
WORDS = rf"{WORD}(?:(?:\s?[/·*]\s?|\s){WORD})*(?:/1\.73\s?m\^?2)?"
UNIT = rf"°\s?[^\W\d_]*|[%{SIGNS}](?:\s?/\s?{WORD})?|/\s?{WORDS}|{WORDS}"
# Anywhere but behind a letter: NFKC makes 102 of 10².
SUPERSCRIPT = re.compile("(?<![^\\W\\d_])[\u00b2\u00b3\u00b9\u2070-\u209f]")


def _name_parts(name: str, end: str = "?") -> str:
    return (
        rf"(?P<{name}_hedge>{HEDGE})?(?P<{name}_front>(?:{LETTERS})?[{SIGNS}]?)\s*"
        rf"(?P<{name}>{NUMBER})\s*(?P<{name}_unit>{UNIT}){end}"
    )


ONE = re.compile(rf"(?P<minus>-(?=[{SIGNS}]))?{_name_parts('low')}")
RANGE = re.compile(
    rf"(?:between\s+)?{_name_parts('low', '??')}\s*(?:-|to|and|\.\.\.?)\s*"
    rf"{_name_parts('high')}"
)
# A unit that changes the number: which number was meant is not ours to guess.
SCALES = {"k", "K", "M", "MM", "B", "bn", "mn", "mio", "mrd", "tsd", "e", "E", "x"}
SCALES |= {"hundred", "thousand", "million", "billion", "trillion", "tenth"}
SCALES |= {"dozen", "lakh", "crore", "mln", "bln", "mil", "bil", "tn", "half", "halve"}
SCALES |= {"hundredth", "thousandth", "millionth", "tausend", "mille"}
# Words behind a number that make it another one: "5 or more", "5 below zero".
CHANGES = {"and", "or", "to", "point", "minus", "plus", "below", "under", "negative"}
CHANGES |= {"less", "more", "than", "over", "above", "not", "out", "zero", "one", "two"}
CHANGES |= {"three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"}
CHANGES |= {"twelve", "twenty", "thirty"}
HEDGES = {"approx", "approximately", "about", "around", "circa", "ca", "roughly"}
HEDGES |= {"estimated", "est"}

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

AS_TEXT = "numbers written as text"
NO_UNIT = "units left out"
MIDDLE = "ranges replaced by their middle"
NO_SEPARATOR = "thousands separators left out"
NO_COMMA = "decimal commas read as points"
PERCENT = "percent signs read"


class RefusedError(ValueError):
    """A value that cannot be read, and why."""


class ReadNumber(NamedTuple):
    """A number, and what was done to read it."""

    number: float
    mended: tuple[str, ...]


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
    text = JOINED.sub(_split_name, _fold(HUMP.sub("_", about)))
    found: dict[str, int] = {}
    for match in TOKEN.finditer(INCHES.sub("inch", text)):
        before = match.string[max(0, match.start() - 9) : match.start()]
        rank = 2 if MARKED.search(before) else 0 if COUNTED.search(before) else 1
        for unit in _list_units(match[0]):
            found[unit] = max(rank, found.get(unit, 0))
    kinds = {_find_kind(unit) for unit, rank in found.items() if rank} - {"", "each"}
    return Units(
        frozenset(unit for unit in found if _is_leading(unit, found)),
        frozenset(kinds),
        kinds <= UNPRICED - {"ratio"} or "%" in found or not PARTS.isdisjoint(found),
    )


def read_number(text: str, units: Units = NOTHING_SAID) -> ReadNumber:
    """Return the one number a text holds.

    Commas and blanks before groups of three digits separate thousands ("1,234" is 1234,
    "1 234" as well); any other comma is a decimal one ("1,5" is 1.5, "0,123" is 0.123).
    A range stands for its middle, if it rises; numbers with leading zeros make no
    range, since dates have them.

    Raises
    ------
    RefusedError
        No number, several of them, one that a word multiplies ("5 million"), or one in
        a unit that is not the column's, as far as anybody can know.
    """
    if len(text) > MAX_LENGTH:
        raise RefusedError("a long text in place of a number")
    if SUPERSCRIPT.search(text):
        raise RefusedError("no number")
    text = unicodedata.normalize("NFKC", text.translate(DEGREES)).translate(DASHES)
    text = _unquote(text)
    if match := ONE.fullmatch(text):
        number, mended = _parse(match["minus"] or "", match["low"])
    elif match := RANGE.fullmatch(text):
        number, mended = _find_middle(match["low"], match["high"])
    else:
        raise RefusedError("no number")
    for name, part in match.groupdict(default="").items():
        if part and name.endswith(("_hedge", "_front", "_unit")):
            mended += _leave_out(part.strip(), name, units)
    return ReadNumber(number, (AS_TEXT, *dict.fromkeys(mended)))


def _unquote(text: str) -> str:
    """Take quotes away, but not the one sign that stands for inches or feet."""
    text = text.strip()
    while len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1].strip()
    return text.lstrip("\"'")


def _find_middle(low: str, high: str) -> tuple[float, tuple[str, ...]]:
    if any(re.match(r"[+-]?0\d", bound) for bound in (low, high)):
        raise RefusedError("no number")
    first, mended = _parse("", low)
    last, more = _parse("", high)
    if first > last:
        raise RefusedError("a range that falls")
    return first / 2 + last / 2, (MIDDLE, *mended, *more)


def _parse(minus: str, text: str) -> tuple[float, tuple[str, ...]]:
    mended: tuple[str, ...] = ()
    digits = text.lstrip("+-")
    plain = digits
    if re.fullmatch(GROUPED, digits):
        plain = re.sub(rf"[,'_ ](?={THREE}(?![0-9]))", "", digits)
        plain = plain.replace(",", ".")
        mended = (NO_SEPARATOR,)
    elif re.fullmatch(POINTED, digits):
        plain = digits.replace(".", "").replace(",", ".")
        mended = (NO_SEPARATOR,)
    elif "," in digits:
        plain, mended = digits.replace(",", "."), (NO_COMMA,)
    number = float(plain)
    if not math.isfinite(number):
        raise RefusedError("a number that is too large")
    if minus and digits != text:
        raise RefusedError("a number with two signs")
    return (-number if minus or text.startswith("-") else number), mended


def _leave_out(part: str, name: str, units: Units) -> tuple[str, ...]:
    """Return the note for what stands around a number, or refuse the number for it."""
    if name.endswith("_hedge"):
        return (NO_UNIT,)
    _refuse_changes(part)
    words = [word.strip(".,;:()") for word in _fold(part).split()]
    found = [_find_unit(word) for word in words if word and word not in HEDGES]
    if part in SIGNS:
        is_fine = units.holds(found[0]) or units.kinds <= UNPRICED
    elif found[:1] == ["%"] and units.takes_percent:
        is_fine = _is_harmless(found[1:], Units(units.own))
    else:
        is_fine = _is_harmless(found, units)
    if not is_fine:
        _refuse_unit(part, units)
    is_unit = part in SIGNS or not found or bool(_find_kind(found[0]))
    if name.endswith("_front") and not is_unit:
        raise RefusedError("no number")
    return (PERCENT if found and found[0].startswith("%") else NO_UNIT,)


def _is_harmless(found: list[str], units: Units) -> bool:
    """Tell whether words behind a number can be left out: the column's unit, or none.

    Where a unit is known, a word that is not in any table may be another one.
    """
    others = [unit for unit in found if not units.holds(unit)]
    if any(_find_kind(unit) or not PLAIN_WORD.fullmatch(unit) for unit in others):
        return False
    return len(others) < len(found) or not others or not units.kinds


def _refuse_changes(part: str) -> None:
    for word in re.split(r"[\s/·*^]+", part):
        plain = word.strip(".,;:()").casefold()
        if word in SCALES or {plain, plain.removesuffix("s")} & SCALES:
            raise RefusedError(f"a number times {word[:20]!r}")
        if plain in CHANGES:
            raise RefusedError(f"a number and {word[:20]!r}")


def _refuse_unit(part: str, units: Units) -> None:
    number = f"a number in {part[:20]!r}"
    if units.kinds:
        raise RefusedError(f"{number}, which is not the column's unit")
    raise RefusedError(f"{number}, which the column's name and description do not give")


def _fold(text: str) -> str:
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
        is_unit, follows = (_find_kind(_find_unit(word)) for word in (part, last))
        text += (("/" if follows else " in ") if is_unit else " ") + part
    return text


def _list_units(word: str) -> list[str]:
    """Return what a word of a description names: "hours/week" also hours."""
    if word in SHY:
        return []
    unit = _find_unit(word)
    head, slash, _ = unit.partition("/")
    is_alone = slash and _find_kind(head) in ("", "time", "money")
    each = [EACH[word]] if word in EACH else []
    return [unit, head, *each] if is_alone else [unit, *each]


def _find_unit(word: str) -> str:
    """Return a unit, or any other word, in the one spelling that is compared."""
    return "/".join(map(_find_part, word.split("/")))


def _find_part(word: str) -> str:
    base = word.rstrip("123") if word[-1:] in tuple("123") else word
    single = base.removesuffix("s") if len(base) > 3 else base
    power = word[len(base) :].removesuffix("1")
    return SPELLED.get(base, SPELLED.get(single, single)) + power


def _find_kind(unit: str) -> str:
    """Return what a unit measures, nothing for other words."""
    if "/" in unit:
        head = unit.split("/")[0]
        if not any(map(_find_kind, unit.split("/"))):
            return ""
        if not head:
            return "each"
        return "ratio" if _find_kind(head) else "frequency"
    base = unit.rstrip("23")
    return KINDS[base] + unit[len(base) :] if base in KINDS else ""


def _is_leading(unit: str, found: dict[str, int]) -> bool:
    """Tell whether a unit is clearly meant, of all those of its kind."""
    kind = _find_kind(unit)
    rivals = (other for other in found if kind and _find_kind(other) == kind)
    return all(
        found[unit] > found[other]
        or other in {unit, *ALSO.get(unit, ())}
        or unit in ALSO.get(other, ())
        for other in rivals
    )
