"""What a list comes to once it is spoken, counted while its rows are checked.

Seconds and bytes are rough: they come from a sample of the requests, from the speed of espeak's
voices, and from what profiles say of themselves. Memory does not grow with the list.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from string import ascii_letters, digits

from seedcast.catalog.formats import HAS_BITRATE, Format
from seedcast.catalog.profiles import Profile, Profiles
from seedcast.schemas.messages import SpeechRequest

SAMPLE = 2000  # requests by which seconds are predicted
MOST_VOICES = 10_000  # that are counted one by one
KEPT = 65_536  # hashes; with more, only a share of all requests is compared
# Seconds by least squares of 120 notifications in four voices of espeak; off by 0.3 s each.
IDEOGRAPH, LETTER = 0.28, 0.073
AUDIO_RATE = 24_000  # bytes of lossless audio on Kafka for a second
_SAMPLE_BYTES: dict[Format, float] = {
    "wav-pcm16": 2,
    "raw-s16": 2,
    "wav-ulaw": 1,
    "wav-alaw": 1,
    "raw-ulaw": 1,
    "raw-alaw": 1,
    "g722": 0.5,
    "flac": 1.1,  # 0.55 of 16 bits
}


@dataclass(frozen=True, kw_only=True)
class Findings:
    requests: int
    equal: float  # share of the requests that sound like an earlier one
    unspoken: int  # characters without a sound
    with_unspoken: int  # requests that have such characters
    voices: tuple[tuple[int, int], ...]  # voice seed and requests, the most first
    samples: tuple[SpeechRequest, ...]  # in the list's order
    audio_seconds: float
    kafka_bytes: float  # of one replica
    s3_bytes: Mapping[str, float]  # by profile


class Survey:
    """Takes the requests of a list, one after another."""

    def __init__(
        self,
        profiles: Profiles,
        unspoken: Callable[[SpeechRequest], int],
        said: Callable[[SpeechRequest], str],
    ) -> None:
        """`unspoken` counts a text's characters without a sound; `said` gives its words."""
        self._profiles, self._unspoken, self._said = profiles, unspoken, said
        self._random = Random(1)
        self._sample: list[tuple[int, SpeechRequest]] = []
        self._count = self._lost = self._with_lost = self._bytes = 0
        self._voices, self._used = Counter[int](), Counter[str]()
        self._distinct = _Distinct()

    def add(self, request: SpeechRequest, value: bytes) -> None:
        """`value`: the request as it is sent."""
        self._count += 1
        self._bytes += len(value)
        if request.voice_seed in self._voices or len(self._voices) < MOST_VOICES:
            self._voices[request.voice_seed] += 1
        self._used.update(request.profiles)
        if lost := self._unspoken(request):
            self._lost += lost
            self._with_lost += 1
        self._distinct.add(_sound(request))
        self._keep(request)

    def findings(self, shown: int) -> Findings:
        """`shown`: how many requests are wanted as samples."""
        drawn = self._random.sample(self._sample, min(shown, len(self._sample)))
        chosen = sorted(drawn, key=lambda pair: pair[0])
        seconds = sum(seconds_of(self._said(one), one.speed) for _, one in self._sample)
        each = seconds / max(1, len(self._sample))
        return Findings(
            requests=self._count,
            equal=self._distinct.equal,
            unspoken=self._lost,
            with_unspoken=self._with_lost,
            voices=tuple(self._voices.most_common()),
            samples=tuple(request for _, request in chosen),
            audio_seconds=each * self._count,
            kafka_bytes=self._bytes + each * self._count * AUDIO_RATE,
            s3_bytes={
                name: each * count * bytes_per_second(self._profiles[name])
                for name, count in sorted(self._used.items())
            },
        )

    def _keep(self, request: SpeechRequest) -> None:
        """Keep each request with the same chance (reservoir sampling)."""
        if len(self._sample) < SAMPLE:
            self._sample.append((self._count, request))
        elif (place := self._random.randrange(self._count)) < SAMPLE:
            self._sample[place] = self._count, request


def seconds_of(words: str, speed: float) -> float:
    """Return about how long it takes to say these words."""
    ideographs, letters, _ = count_characters(words)
    return (ideographs * IDEOGRAPH + letters * LETTER) / speed


def count_characters(text: str) -> tuple[int, int, int]:
    """Return the numbers of ideographs (U+4000 to U+9FFF), ASCII letters and ASCII digits.

    Counted in UTF-8, by C: the feeder does it for each request.
    """
    encoded = text.encode(errors="surrogatepass")
    ideographs, letters, numerals = _OTHERS
    return (
        len(encoded.translate(None, ideographs)),
        len(encoded.translate(None, letters)),
        len(encoded.translate(None, numerals)),
    )


def _others(kept: bytes) -> bytes:
    return bytes(set(range(256)) - set(kept))


# What is deleted to count: an ideograph's first byte is E4 to E9, and no other byte is.
_OTHERS = (
    _others(bytes(range(0xE4, 0xEA))),
    _others(ascii_letters.encode()),
    _others(digits.encode()),
)


def bytes_per_second(profile: Profile) -> float:
    """Return about how many bytes a second of audio takes in a profile."""
    if profile.format in HAS_BITRATE:
        return profile.bitrate / 8
    return profile.sample_rate * _SAMPLE_BYTES[profile.format]


def _sound(request: SpeechRequest) -> int:
    """Return a hash of what a waveform depends on."""
    kind = str(request.text_format), str(request.locale)
    voice = request.voice_seed, request.speaker, request.speed, request.style
    return hash((request.text, kind, voice))


class _Distinct:
    """Tells how many hashes repeat; beyond KEPT different ones, by a share of all hashes."""

    def __init__(self) -> None:
        self._mask, self._compared = 0, Counter[int]()

    def add(self, number: int) -> None:
        if number & self._mask:
            return
        self._compared[number] += 1
        while len(self._compared) > KEPT:
            self._mask = self._mask * 2 + 1
            self._compared = Counter(
                {kept: count for kept, count in self._compared.items() if not kept & self._mask}
            )

    @property
    def equal(self) -> float:
        compared = self._compared.total()
        return 1 - len(self._compared) / compared if compared else 0.0
