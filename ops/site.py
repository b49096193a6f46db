"""Checks the built site: a browser that shows a page may ask no other host for anything.

`python -m ops.site .site` prints each such request, and exits 1 if there is one. A script of the
theme may name hosts that it asks only for what no page has; the pages' own test holds that.
"""

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

OUTSIDE = re.compile(r"\s*(?:https?:)?//", re.IGNORECASE)
IN_STYLES = re.compile(r"(?:@import\s+|url\(\s*)[\"']?((?:https?:)?//[^\"')\s]+)", re.IGNORECASE)
# Links that a browser does not follow by itself.
QUIET = {"canonical", "alternate", "prev", "next", "author", "license"}


class _Requests(HTMLParser):
    """Collects the addresses on other hosts that a browser fetches to show a page."""

    def __init__(self) -> None:
        super().__init__()
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag == "a" or (tag == "link" and set(named.get("rel", "").split()) & QUIET):
            return
        fetched = [named.get(name, "") for name in ("src", "href", "data", "poster")]
        fetched += [part.split()[0] for part in named.get("srcset", "").split(",") if part.strip()]
        self.outside += [address for address in fetched if OUTSIDE.match(address)]


def outside_requests(site: Path) -> Iterator[tuple[Path, str]]:
    """Yield each file of the site that asks another host, and for what."""
    for file in sorted(site.rglob("*")):
        if file.suffix in (".html", ".svg"):
            page = _Requests()
            page.feed(file.read_text())
            yield from ((file, address) for address in page.outside)
        if file.suffix in (".html", ".css", ".svg"):
            yield from ((file, address) for address in IN_STYLES.findall(file.read_text()))


def main() -> int:
    site = Path(sys.argv[1])
    if not (site / "index.html").is_file():
        print(f"expected a built site in {site}; run `make docs`")
        return 2
    found = list(outside_requests(site))
    for file, address in found:
        print(f"{file.relative_to(site)} asks another host: {address}")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
