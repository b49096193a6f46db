"""Which results of a campaign an audit looks at: chosen by a hash of their request ids, from a stream of any length. Pure."""

import heapq
from collections.abc import Iterable
from hashlib import blake2b

from schemas.messages import Receipt, SpeechResult

AT_LEAST = 20
_RANKS = 2**64


def choose(
    results: Iterable[SpeechResult], fraction: float, at_least: int = AT_LEAST
) -> dict[str, Receipt]:
    """The receipts of about `fraction` (0 … 1) of the requests that were spoken, by request id; the same ones for any order of requests.

    The first result of a request is its result. Only those below a bar are kept, and the bar falls; besides the chosen ones
    these are a few hundred for a million results.
    """
    threshold = int(fraction * _RANKS)
    smallest: list[
        int
    ] = []  # negated ranks of what was spoken, at most `at_least`: the first is the highest
    first: dict[str, Receipt | None] = {}
    for result in results:
        place = rank(result.request_id)
        bar = -smallest[0] if len(smallest) >= at_least else _RANKS
        if (place >= threshold and place > bar) or result.request_id in first:
            continue  # what was above the bar once stays there, so no repeat of it can pass for a first result
        first[result.request_id] = result.receipt
        if result.receipt:
            (heapq.heappush if len(smallest) < at_least else heapq.heappushpop)(smallest, -place)
    bar = -smallest[0] if smallest else -1
    return {
        name: receipt
        for name, receipt in first.items()
        if receipt and (rank(name) < threshold or rank(name) <= bar)
    }


def rank(request_id: str) -> int:
    """0 … 2⁶⁴ − 1."""
    return int.from_bytes(blake2b(request_id.encode(), digest_size=8).digest())
