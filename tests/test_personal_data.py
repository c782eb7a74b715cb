"""Columns with data of persons are found; columns that only sound like it are not."""

import numpy as np
import pandas as pd
import pytest

from t2sampler._personal_data import find_personal_data

N_PEOPLE = 120
FIRST = [
    *("Svenja", "Anna", "Peter", "Grzegorz", "Maria", "Thomas", "Xiaoli", "Johanna"),
    *("Michael", "Hubert", "Emily", "Lars", "Mehmet", "Otto", "Aaliyah", "Priya"),
]
LAST = [
    *("Schmidt", "Gonzalez", "Smith", "Nowak", "Weber", "Dubois", "Braund", "Cumings"),
    *("Heikkinen", "Moran", "O'Neill"),
]
MAILS, PHONES, NAMES = "e-mail addresses", "phone numbers", "names of people"
NUMBERS, ACCOUNTS = "insurance or identity numbers", "account or card numbers"
STREETS = "street addresses"


def fill(*patterns):
    """Return a text per person; # stands for a digit, F and L for names."""
    rng = np.random.default_rng(7)
    return [
        "".join(
            str(rng.integers(1, 10)) if char == "#" else char
            for char in patterns[i % len(patterns)]
            .replace("{F}", FIRST[rng.integers(len(FIRST))])
            .replace("{L}", LAST[rng.integers(len(LAST))])
        )
        for i in range(N_PEOPLE)
    ]


def integers(pattern):
    return [int(text) for text in fill(pattern)]


def floats(pattern):
    return [float(text) for text in fill(pattern)]


IBANS = [  # examples of the standard
    *("DE89370400440532013000", "GB82 WEST 1234 5698 7654 32", "unknown"),
    *("fr1420041010050500013m02606", "NL91ABNA0417164300"),
]
FOUND = [
    ("mail", fill("guest####@post.example"), MAILS),
    ("x7", fill("a.b###@mail.co.uk"), MAILS),
    ("Kontakt", fill("{F} <f####@x.de>"), MAILS),
    ("x7", fill("Contact me: F####@POST.EXAMPLE!"), MAILS),
    ("eMail", fill("{F}.####"), MAILS),
    ("E-Mail-Adresse", fill("{F}####(at)x.de"), MAILS),
    ("x7", fill("+49 170 #######"), PHONES),
    ("x7", fill("+491#########"), PHONES),
    ("x7", fill("+1 (###) ###-####"), PHONES),
    ("x7", fill("(###) ###-####", "###-###-####"), PHONES),
    ("x7", fill("0170 #######"), PHONES),
    ("x7", fill("030/#######"), PHONES),
    ("x7", fill("06 1# ## ## ##"), PHONES),
    ("tel_home", fill("###-####"), PHONES),
    ("Telefonnummer", fill("0#########"), PHONES),
    ("phone", integers("##########"), PHONES),
    ("Mobile Number", floats("#########"), PHONES),
    ("phoneNumber", integers("#########"), PHONES),
    ("téléphone", integers("#########"), PHONES),
    ("ssn", integers("#########"), NUMBERS),
    ("SSN", floats("#########"), NUMBERS),
    ("x7", fill("###-##-####"), NUMBERS),
    ("x7", fill("AB ## ## ## C"), NUMBERS),
    ("x7", fill("65 1#08#9 J 00#"), NUMBERS),
    ("insurance_number", integers("######"), NUMBERS),
    ("insuranceNo", fill("A#########"), NUMBERS),
    ("Versichertennummer", fill("A#########"), NUMBERS),
    ("policy number", fill("PN-#######"), NUMBERS),
    ("PASSPORT_NO", fill("C########"), NUMBERS),
    ("national id", integers("##########"), NUMBERS),
    ("iban", fill("DE##################"), ACCOUNTS),
    ("x7", IBANS, ACCOUNTS),
    ("account_number", integers("########"), ACCOUNTS),
    ("Kontonummer", integers("########"), ACCOUNTS),
    ("credit card", fill("#### #### #### ####"), ACCOUNTS),
    ("card_number", fill("**** **** **** ####"), ACCOUNTS),
    ("street", fill("Main Street ##"), STREETS),
    ("Straße", fill("Hauptstr. ##"), STREETS),
    ("home_address", fill("Flat ##, Elm Park"), STREETS),
    ("x7", fill("## Elm Ave", "### Old Mill Road, York"), STREETS),
    ("x7", fill("Goethestraße ##", "Am Markt ##a", "Ringgasse #"), STREETS),
    ("x7", fill("1# rue de {L}"), STREETS),
    ("ip", fill("10.#.##.1##"), "IP addresses"),
    ("x7", fill("192.168.1##.##"), "IP addresses"),
    ("x7", fill("2001:db8::####"), "IP addresses"),
    ("Name", fill("{L}, Mr. {F}"), NAMES),
    ("name", fill("{F} {L}"), NAMES),
    ("NAME", fill("{L} {F}"), NAMES),
    ("patient", fill("{F} {L}"), NAMES),
    ("x7", fill("{F} {L}"), NAMES),
    ("x7", fill("{L}, {F}"), NAMES),
    ("x7", fill("Dr. {L}"), NAMES),
    ("last_name", fill("{L}"), NAMES),
    ("firstName", fill("{F}"), NAMES),
    ("Vorname", fill("{F}"), NAMES),
    ("Geburtsname", fill("{L}"), NAMES),
    ("prénom", fill("{F}"), NAMES),
    ("apellidos", fill("{L} {L}"), NAMES),
    ("customer_name", fill("customer####"), NAMES),
    ("name of patient", fill("{L}"), NAMES),
    (("person", "user_name"), fill("u_####{F}"), NAMES),
]
DATES = pd.date_range("2021-01-31", periods=N_PEOPLE)
INNOCENT = [
    ("remark", [f"called twice and left a note no {i}" for i in range(40)]),
    ("town", ["San Antonio", "New York", "St. Paul", "Paris", "Santa Ana", "Berlin"]),
    ("name", ["ford torino", "buick skylark 320", "Mercedes Benz 280", "audi 100ls"]),
    ("Name", ["Sodium chloride", "Acetone", "Ethyl acetate"]),
    ("country", ["Jordan", "France", "Georgia", "Chad"]),
    ("job", ["nurse", "Sales Manager", "Data Scientist", "Prof-specialty"]),
    ("species", ["Rosa canina", "Iris setosa"]),
    ("company_name", fill("{L} & Sons")),
    ("Company", fill("{F} {L} Ltd")),
    ("product_name", ["Maria Top", "Anna Dress", "Emma Shoe", "Paul Hat"]),
    ("event_name", ["Open Day", "Spring Gala"]),
    ("filename", fill("scan_####.png")),
    ("code", fill("A#########")),
    ("Ticket", fill("PC #####")),
    ("zip", integers("#####")),
    ("zip", fill("#####", "0####")),
    ("zip", fill("#####-####")),
    ("ean", fill("40###########")),
    ("isbn", fill("978-3-16-######-#")),
    ("cas", fill("####-##-#")),
    ("ndc", fill("#####-####-##")),
    ("version", fill("#.#.#.#")),
    ("mac_address", fill("00:1b:##:11:3a:##")),
    ("customer_id", fill("C########")),
    ("patient_id", integers("#########")),
    ("uuid", fill("########-####-4###-8###-############")),
    ("key", integers("################")),
    ("unix", integers("1#########")),
    ("ms", integers("16###########")),
    ("day", DATES.strftime("%Y-%m-%d")),
    ("day", DATES.strftime("%d/%m/%Y")),
    ("mobile_from", DATES.strftime("%Y-%m-%d")),
    ("passport_expiry", DATES.strftime("%d.%m.%Y")),
    ("time", fill("1#:3#:5#")),
    ("price", fill("#,###.##")),
    ("change", fill("+#.########")),
    ("weight", fill("##.# kg")),
    ("year", integers("200#")),
    ("salary", integers("#####")),
    ("latitude", floats("4#.####")),
    ("email_opt_in", ["no", "yes"]),
    ("email", [0, 1]),
    ("E-Mail", ["Yes", "No", None]),
    ("email", [True, False]),
    ("n_emails", integers("####")),
    ("phone_calls", integers("##")),
    ("Phone Calls Total", integers("######")),
    ("phone_price", integers("#######")),
    ("phone", ["Nokia 3310", "iPhone", "Samsung"]),
    ("telephone", ["none", "yes, registered under the customers name"]),
    ("contact", ["cellular", "telephone", "unknown"]),
    ("mobile_data_bytes", integers("########")),
    ("tel", floats("##.#")),
    ("address_changes", integers("#")),
    ("address", ["U", "R"]),
    ("Street", ["Pave", "Grvl"]),
    ("street_type", ["Street", "Avenue"]),
    ("insurance", ["AOK", "none", "TK"]),
    ("insurance_cost", integers("######")),
    ("passport", [0, 1]),
    ("number of passports", integers("#")),
    ("creditcard", [1, 0]),
    ("credit_card_balance", integers("######")),
    ("account", ["savings", "checking"]),
    ("account_balance", integers("#######")),
    ("title", ["Mr", "Mrs", "Dr"]),
    ("student", ["Yes", "No"]),
    ("member", ["silver", "gold"]),
    ("user", integers("######")),
    ("first", integers("#")),
    ("birth_place", fill("{L}")),
    ("note", ["Good food, would come again", "bad"]),
    ("drive", ["500 GB Hard Drive", "250 GB Hard Drive"]),
]


def looks(values):
    """Yield a column as other tables may hold it."""
    values = pd.Series(values)
    yield values
    yield values.sample(frac=1, random_state=3)
    yield values.repeat(3)  # three visits each
    yield values[:40]
    yield values[-8:]
    yield values.where(np.arange(len(values)) % 3 != 1)  # with gaps
    yield values.astype(object)
    yield values.astype("category")
    yield values.convert_dtypes()
    yield values.convert_dtypes(dtype_backend="pyarrow")


@pytest.mark.parametrize(("name", "values", "what"), FOUND)
def test_data_of_persons_is_found(name, values, what):
    assert {find_personal_data(look, name) for look in looks(values)} == {what}


@pytest.mark.parametrize(("name", "values"), INNOCENT)
def test_other_columns_are_left_alone(name, values):
    assert {find_personal_data(look, name) for look in looks(values)} == {None}


def with_check_digit(digits):
    """Append the digit that makes the doubled sum a multiple of ten (ISO 7812)."""
    doubled = [int(char) * (2 - i % 2) for i, char in enumerate(reversed(digits))]
    total = sum(value - 9 * (value > 9) for value in doubled)
    return f"{digits}{-total % 10}"


@pytest.mark.parametrize("dtype", [str, "int64", "category"])
def test_card_numbers_are_known_by_their_check_digit(dtype):
    right = pd.Series(map(with_check_digit, fill("4##############")))
    wrong = pd.Series(fill("4###############"))

    assert find_personal_data(right.astype(dtype), "x7") == ACCOUNTS
    assert find_personal_data(wrong.astype(dtype), "x7") is None


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([], dtype=object),
        pd.Series([None, None]),
        pd.Series([[1], [2]]),
        pd.Series([np.inf, 123456.0, np.nan]),
        pd.Series([3 + 4j]),
        pd.Series([1, "a", 2.5, True]),
        pd.Series(DATES),
        pd.Series(DATES - DATES[0]),
        pd.Series(pd.Categorical(["no"], categories=["no", "a@b.de"])),  # unused level
    ],
)
def test_any_dtype_is_looked_at(values):
    assert find_personal_data(values, "phone") is None


def test_few_of_many_values_are_looked_at_and_the_same_in_any_order():
    texts = pd.Series([f"a{i}@b.de" if i % 2 else f"no {i}" for i in range(20_000)])

    found = {
        find_personal_data(texts.sample(frac=1, random_state=i), 0) for i in range(3)
    }

    assert len(found) == 1


def test_long_names_and_texts_take_no_time():
    """Patterns within patterns would try every way to split them: minutes."""
    digits = "1" * 5000

    assert find_personal_data(pd.Series([digits + "x", "a" * 10**6]), digits) is None


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("姓名", ["王伟", "李芳", "张秀英", "刘娜"]),
        ("имя", ["Анна", "Олег", "Юрий", "Мария"]),
        ("Фамилия", ["Иванов", "Петрова", "Сидоров"]),
    ],
)
def test_names_are_found_in_other_scripts(name, values):
    assert find_personal_data(pd.Series(values), name) == NAMES


@pytest.mark.parametrize(
    "name", ["phone_sales", "mobileVisits", "fax volume", "credit_cards_turnover"]
)
def test_sums_of_business_are_no_numbers_of_people(name):
    values = np.random.default_rng(1).integers(10**6, 10**7, 60)

    assert find_personal_data(pd.Series(values), name) is None
