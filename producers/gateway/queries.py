"""Parameters of a query, read and checked."""

from collections.abc import Collection

from starlette.requests import Request

from seedcast.producers.gateway.problems import wrong

PAGE = 100  # entries, if the query does not say how many
LARGEST_PAGE = 1000
_FLAGS = {"": True, "true": True, "1": True, "false": False, "0": False}


def limit(http: Request, usual: int = PAGE, most: int = LARGEST_PAGE) -> int:
    """Return how many entries a page has at most. Raises Problem 400."""
    text = http.query_params.get("limit")
    if text is None:
        return usual
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= most):
        raise wrong("limit", f"1 to {most}")
    return int(text)


def chosen(http: Request, name: str, among: Collection[str]) -> frozenset[str]:
    """Return the values of a parameter, which may be repeated. Raises Problem 400."""
    values = frozenset(http.query_params.getlist(name))
    if not values <= frozenset(among):
        raise wrong(name, f"one of {', '.join(among)}")
    return values


def flag(http: Request, name: str) -> bool:
    """Return whether it is there and not `false`. Raises Problem 400."""
    value = http.query_params.get(name)
    if value is None:
        return False
    if value not in _FLAGS:
        raise wrong(name, "true or false")
    return _FLAGS[value]
