"""How much a campaign gains on the others of its tenant because its deadline is near."""

MOST_BOOST = 8.0  # times its weight, so that no other campaign starves
SHORT = 600.0  # seconds of slack from which on it gains


def slack(deadline: float, now: float, backlog: float, rate: float) -> float:
    """Return how many seconds are left between a campaign's predicted end and its deadline.

    `backlog`: seconds of audio to go; `rate`: seconds of its audio that are finished per second.
    Without a rate nothing is predicted but the deadline itself.
    """
    return deadline - now - (backlog / rate if rate > 0 else 0.0)


def boost(deadline: float | None, now: float, backlog: float, rate: float) -> float:
    """Return from 1 (enough slack, no deadline, or too late) to MOST_BOOST (no slack).

    Between them it changes gradually, so that a campaign gets about what it needs.
    """
    if deadline is None or now >= deadline:
        return 1.0
    missing = 1.0 - slack(deadline, now, backlog, rate) / SHORT
    return float(MOST_BOOST ** min(1.0, max(0.0, missing)))
