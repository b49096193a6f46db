"""When campaigns that share the fleet will have ended. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Rest:
    name: str
    waiting: int  # requests
    rate: float  # of them that end per second at present
    is_bounded: bool  # by its own rate: what others leave is not for it


def seconds_left(rests: Iterable[Rest]) -> dict[str, float]:
    """Return the seconds until each has ended, by name.

    Whenever one ends, the others go on with what it leaves, in proportion to their rates, which
    are as their shares. So a large list is not late because a small one takes half at present.
    """
    rests = list(rests)
    left = {each.name: each.waiting / each.rate for each in rests if each.is_bounded}
    sharing = sorted((each for each in rests if not each.is_bounded), key=_turns)
    all_of_it = going = sum(each.rate for each in sharing)
    seconds = turns = 0.0
    for each in sharing:
        seconds += (_turns(each) - turns) * going / all_of_it
        turns = _turns(each)
        going -= each.rate
        left[each.name] = seconds
    return left


def _turns(rest: Rest) -> float:
    return rest.waiting / rest.rate
