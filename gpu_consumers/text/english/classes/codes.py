"""Codes: what is said digit by digit, letters spelled.

A number is a code beside a word of its kind, before or after it, and so is each number of a list
that begins beside one.
"""

import re

from seedcast.gpu_consumers.text.classify import LIKELY, NAMED, Row
from seedcast.gpu_consumers.text.english.classes.calendar import PEOPLE
from seedcast.gpu_consumers.text.english.classes.letters import is_spelled
from seedcast.gpu_consumers.text.english.classes.spelling import (
    at_least_three,
    cut_digits,
    long_group,
    spelled,
)
from seedcast.gpu_consumers.text.patterns import END, FREE, digits_in
from seedcast.gpu_consumers.text.values import Digits, Value
from seedcast.schemas.locales import Locale

_SECRETS = r"codes?|PINs?|OTPs?|pin|otp|passcodes?|passwords?"
# Words whose number is a code, also with a few words between.
_NUMBERS = (
    rf"{_SECRETS}|SSN|tracking|IBAN|IDs?|id|number|numbers|no\.|nos\.|#|ref|reference|serial"
    r"|UTR|EIN|TIN|routing|zip|postcode|ext\.?|extension|ending|PNR|licen[cs]e|plate|VIN"
    r"|验证码|校验码|动态码|密码|取件码|取货码|订单号|单号|卡号|尾号"  # Your 验证码 is 482913
    r"|SKU|P\.?O\.? Box|IMEI"
)
# Words whose number is a code where it follows at once.
_THINGS = (
    r"orders?|tickets?|flights?|trains?|buses|bus|accounts?|acct|a/c|cards?|rooms?|rm|invoices?"
    r"|cases?|bookings?|claims?|polic(?:y|ies)|members?|parcels?|packages?|shipments?|gates?"
    r"|lockers?|box|boxes|agents?|apt|apartment|suite|ste|unit|hwy|highway|route|channel|platform"
    r"|confirmation|transaction|request|requests|customer|employee|badge|vehicle|area|form|seat"
    r"|seats|row|exit|zone|bay|docket"
)
_LINKS = (  # what may stand between such a word and its number
    r"(?:\s?(?:[:#,=]|\b(?:is|are|was|were|no|number|nr|id|code|ending|in|with|such|as|now|your)\b"
    r"\.?)){0,4}\s?"
)
# The numbers before it in a list, with what stands between them.
_LIST = r"(?:[A-Z0-9-]*\d[A-Z0-9-]*(?:\s?[,/&;]|\s(?:and|or)\b|,\s(?:and|or)\b)\s?)"
_AFTER_NUMBERS = rf"(?<![A-Za-z])(?i:{_NUMBERS}){_LINKS}{_LIST}{{0,4}}"
AFTER_THINGS = rf"(?<![A-Za-z])(?i:{_THINGS})(?:\s?#|\sno\.?|\snumber|:)?\s?{_LIST}{{0,4}}"
_THING_IS = rf"(?<![A-Za-z])(?i:{_THINGS})(?:\sno\.?|\snumber)?\s(?:is|are|was|were)\s"
_SECRET_IS = rf"(?<![A-Za-z])(?:{_SECRETS})(?:\s[\w.,$₹-]*[\w,]){{0,10}}?(?:\s(?:is|are)|:):?\s"
_IS_YOUR = (
    r"(?:\s(?:is|was|are)|\s?[:=-])\s(?:your|the|my|our|a|an)\s(?:[A-Za-z-]+\s){0,4}?"
    r"(?i:code|otp|pin|passcode|password|number|id)s?(?![A-Za-z])"
    r"|\sas\s(?:your|the)\s(?:[A-Za-z-]+\s){0,2}?(?i:code|otp|pin|passcode|password)(?![A-Za-z])"
)
_USE = r"(?<![A-Za-z])(?:Use|Enter|Type|Input|use|enter|type|quote|Quote)\s"
_FOR = r"\s(?:to|as|for|at|when|on|in|within|before)\b"
_PLACES = (
    r"(?i:deliver|ship|mail|send|sent|serv|mov|area|resident|weather|zip)\w*\s(?:[\w,]+\s){0,3}?"
    rf"(?:to|in|for|of|near|code)\s{_LIST}{{0,4}}"
)

_GROUPS = r"\d+(?:[ -]\d+){0,8}(?![\w]|-\w|[/:.]\d)"  # 471 903, 123-456-789
_MIXED = r"(?=[A-Z-]{0,12}\d)(?=[0-9-]{0,40}[A-Z])[A-Z0-9]{1,40}(?:-[A-Z0-9]{1,20}){0,4}(?![\w])"
# 9x7Kq2, but no words beside digits
_CASED = r"(?=[A-Za-z]{0,40}\d)(?=\d{0,40}[A-Za-z])(?!\w{0,40}[a-z]{3})[A-Za-z0-9]{4,40}(?!\w)"
_ALONE = r"(?:\d{3,}(?:-\d{2,}){2,}|\d{4}(?: \d{4}){2,})(?![\w]|-\w)"
_POSTCODE = r"[A-Z]{1,2}\d[A-Z0-9]? \d[A-Z]{2}(?!\w)"  # British
_FLIGHT = r"[A-Z0-9]{2} \d{1,4}(?![\w:/.-])"
# Five digits without a comma, before nothing that they could count.
_LIKE_A_ZIP = r"(?!\d{3}00)\d{5}(?=\s?[,;!?)]|\s?\.(?!\d)|\s(?:and|or)\s|\s*\Z)"
_INSURED = rf"[A-Z]{{2}} ?\d\d ?\d\d ?\d\d ?[A-D]{END}"  # a British insurance number
_IBAN = rf"[A-Z]{{2}}\d\d(?: [A-Z0-9]{{4}}){{2,7}}(?: (?=[A-Z]{{0,2}}\d)[A-Z0-9]{{1,3}})?{END}"
_MASKED = r"(?:(?:[xX*•]{4}[ -]){1,4}\d{4}|[xX*•]{4,16}-?\d{3,6})(?!\w)"
_OF_ACCOUNT = (
    r"(?<![A-Za-z])(?i:cards?|accounts?|acct|a/c)(?:\sno\.?|\snumber|\sending(?:\sin)?)?\s"
)
_NEXT_SENTENCE = r"\s?-(?i:do|don't|never|please|valid|expires)(?![A-Za-z])"  # 482913-do not share
_NO_COUNT = rf"(?:0\d{{1,40}}|\d{{7,40}}){END}(?![.,]\d)"


def _not_round(match: re.Match[str], locale: Locale) -> Value | None:
    is_round = match[0].endswith("000") and match[0][0] != "0"
    return None if is_round else spelled(match, locale)


def _masked(match: re.Match[str], _: Locale) -> Value:
    """Return the last digits of a number: xxxx-4417."""
    return Digits(tuple(cut_digits(digits_in(match[0])[0])))


def _carrier(match: re.Match[str], locale: Locale) -> Value | None:
    return spelled(match, locale) if is_spelled(match[0][:2]) and match[0][:2] != "ID" else None


ROWS = (
    Row("code", _GROUPS, at_least_three, NAMED, before=_AFTER_NUMBERS),
    Row("code", _GROUPS, long_group, NAMED, before=AFTER_THINGS),
    Row("code", _GROUPS, at_least_three, NAMED, before=_SECRET_IS),
    Row("code", _GROUPS, at_least_three, NAMED, after=_IS_YOUR),
    Row("code", rf"\d{{3,40}}{END}(?!\s[a-z])", spelled, NAMED, before=_THING_IS),
    Row("code", rf"\d{{5,40}}{END}", spelled, NAMED, before=_THING_IS),
    Row("code", rf"\d{{4,8}}{END}", spelled, NAMED, before=_USE, after=_FOR),
    Row("code", r"\d{3,12}(?=#)", spelled),
    Row("code", _MIXED, spelled, NAMED, before=_AFTER_NUMBERS, starts="A-Z0-9"),
    Row("code", _MIXED, at_least_three, NAMED, before=AFTER_THINGS, starts="A-Z0-9"),
    Row(
        "code",
        _CASED,
        spelled,
        NAMED + 1,
        before=rf"(?<![A-Za-z])(?i:{_SECRETS}){_LINKS}",
        starts="A-Za-z0-9",
    ),
    Row("code", r"[*•]\d{3,6}(?!\d)", spelled, NAMED, before=AFTER_THINGS, starts="*•"),
    Row("code", r"[*•]\d{3,6}(?!\d)", spelled, NAMED, before=_AFTER_NUMBERS, starts="*•"),
    Row("code", _FLIGHT, spelled, NAMED, before=r"(?i:flights?)\s", starts="A-Z0-9"),
    Row("code", r"[A-Z][A-Z] \d{3,4}(?![\w:/.-]| \d)", _carrier, LIKELY, starts="A-Z"),
    Row("code", rf"\d{{5}}(?:-\d{{4}})?{END}{PEOPLE}", spelled, NAMED, before=_PLACES),
    Row("code", rf"1Z(?: ?[A-Z0-9]{{2,4}}){{4,6}}{END}", spelled, NAMED),
    Row("code", _POSTCODE, spelled, NAMED, starts="A-Z"),
    Row("code", _INSURED, spelled, NAMED, starts="A-Z"),
    Row("code", _IBAN, spelled, NAMED, starts="A-Z"),
    Row("code", _MASKED, _masked, NAMED + 2, starts="xX*•"),
    Row("code", r"[xX]{2,3}-?\d{3,6}(?!\w)", _masked, NAMED + 2, _OF_ACCOUNT, starts="xX"),
    Row("code", r"\d{3} \d{3}(?![\w]|-\w|[/:.,]\d| \d)", spelled, NAMED, before=_USE, after=_FOR),
    Row("code", r"\d{4,8}", spelled, NAMED, rf"(?:{_SECRETS})[:\s]\s?", _NEXT_SENTENCE),
    Row("code", FREE + _ALONE, spelled),
    Row("code", rf"{FREE}0\d{{2,20}}(?:-\d{{1,20}}){{1,4}}(?![\w]|-\w)", spelled),  # 0044-17
    Row("code", rf"{FREE}\d(?:-\d){{3,8}}(?![\w]|-\w)", spelled),  # Enter 1-2-3-4
    Row("code", FREE + _LIKE_A_ZIP, spelled, LIKELY),
    Row("code", _NO_COUNT, _not_round, LIKELY),
    Row("code", r"\d*[*•]{2,20}\d+|\d+[*•]{2,20}", spelled, NAMED + 1, starts="0-9*"),
)
