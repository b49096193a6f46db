"""Chooses the results of a campaign that an audit checks, by a hash of their request ids.

Pure: it reads a stream of any length in one pass.
"""

import heapq
from collections.abc import Iterable
from hashlib import blake2b

from seedcast.schemas.messages import Receipt, SpeechResult

AT_LEAST = 20  # receipts
_RANKS = 2**64


def choose_receipts(
    results: Iterable[SpeechResult], fraction: float, at_least: int = AT_LEAST
) -> dict[str, Receipt]:
    """Returns the receipts of about `fraction` (0 to 1) of the spoken requests, by request id.

    The order of the requests does not matter. Of several results of a request the first counts.

    A request is chosen if its rank is in the lowest `fraction` of all possible ranks, or among the
    `at_least` lowest ranks of spoken requests. The limit of the second condition falls while
    reading, so some results are kept in memory and not chosen: a few hundred of a million.
    """
    threshold = int(fraction * _RANKS)
    lowest: list[int] = []  # negated ranks of spoken requests, at most `at_least`; a heap
    first: dict[str, Receipt | None] = {}  # the first result of each request that is kept
    for result in results:
        request_rank = rank(result.request_id)
        limit = -lowest[0] if len(lowest) >= at_least else _RANKS
        is_too_high = request_rank >= threshold and request_rank > limit
        # The limit only falls. So a request whose first result was too high stays too high, and
        # its later results cannot be mistaken for the first one.
        if is_too_high or result.request_id in first:
            continue
        first[result.request_id] = result.receipt
        if result.receipt:
            push = heapq.heappush if len(lowest) < at_least else heapq.heappushpop
            push(lowest, -request_rank)
    limit = -lowest[0] if lowest else -1
    return {
        request_id: receipt
        for request_id, receipt in first.items()
        if receipt and (rank(request_id) < threshold or rank(request_id) <= limit)
    }


def rank(request_id: str) -> int:
    """Returns a hash of the request id, from 0 to 2⁶⁴ − 1."""
    return int.from_bytes(blake2b(request_id.encode(), digest_size=8).digest())
