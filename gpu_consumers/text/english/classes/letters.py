"""Capitals: which are spelled, and which are words."""

import re

from seedcast.gpu_consumers.text.classify import LIKELY, Row
from seedcast.gpu_consumers.text.values import Value, Words
from seedcast.schemas.locales import Locale

# Words of two and three letters: in capitals they are words, too. Others are spelled.
_SHORT_WORDS = """
ADD AGE AGO AIR ALL AM AN AND ANY APP ARE ARM ART AS ASK AT BAD BAG BAN BAR BAT BE BED BEE BEN BET
BID BIG BIT BOB BOX BOY BUG BUS BUT BUY BY CAB CAN CAP CAR CAT COP COW CRY CUP CUT DAD DAN DAY DEN
DID DIE DIG DIM DO DOG DOT DRY DUE EAR EAT EGG END EYE FAN FAR FAT FEE FEW FIG FIT FIX FLU FLY FOG
FOR FOX FUN GAP GAS GET GO GOT GUN GUY GYM HAD HAS HAT HE HER HEY HIM HIS HIT HOP HOT HOW ICE IF
ILL IN INC INK IS IT ITS JAM JAN JAR JET JIM JOB JOE JOY KEY KID KIM KIT LAW LAY LEE LEG LET LIE
LIP LOG LOT LOW MAN MAP MAX MAY ME MEN MET MIX MOM MUD MUM MY NET NEW NO NOD NOR NOT NOW NUT OAK
OF OFF OH OIL OK OLD ON ONE OR OUR OUT OWN PAN PAY PEN PER PET PIE PIN PIT POP POT PRO PUT RAN RAW
RED RID RIM ROD ROW RUB RUN SAD SAM SAT SAW SAY SEA SEE SET SHE SHY SIM SIP SIR SIT SIX SKI SKY SO
SON SUM SUN TAP TAX TEA TED TEN THE TIE TIM TIP TO TOE TOM TON TOO TOP TOY TRY TUB TWO UP US USE
VAN VAT VET VIA VOW WAR WAS WAX WAY WE WEB WET WHO WHY WI WIN WON YES YET YOU ZIP ZOO
"""
_SHORT = frozenset(_SHORT_WORDS.split())
_SPELLED = frozenset(
    ("AARP", "ASAP", "HDMI", "HTTP", "HTTPS", "IEEE", "IMEI", "ISBN", "UCLA", "USPS")
)
_MIXED = {"iOS": "I O S", "iPadOS": "iPad O S", "macOS": "mac O S", "eSIM": "E sim", "pH": "P H"}
_VOWEL = re.compile("[AEIOUY]")


def letter_parts(letters: str) -> str:
    """Return letters as they are said: spelled with spaces between, or as a word."""
    if said := _MIXED.get(letters):
        return said
    return " ".join(letters) if is_spelled(letters) else letters


def is_spelled(letters: str) -> bool:
    """Return True for capitals that are no word."""
    if not letters.isupper() or letters in _SHORT:
        return False
    return len(letters) <= 3 or letters in _SPELLED or not _VOWEL.search(letters)


def _capitals(match: re.Match[str], _: Locale) -> Value | None:
    letters = match[1]
    if not is_spelled(letters):
        return None
    return Words(" ".join(letters) + match[2].replace("'", ""))


ROWS = (
    Row("letters", r"([A-Z]{2,40})('?s|)(?![A-Za-z0-9])", _capitals, LIKELY, starts="A-Z"),
    Row(
        "letters",
        rf"(?:{'|'.join(_MIXED)})(?![A-Za-z])",
        lambda match, _: Words(_MIXED[match[0]]),
        starts="impe",
    ),
)
