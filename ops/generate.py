"""Writes what is generated from code: JSON Schemas, AsyncAPI, and the marked parts of the README.

`python -m ops.generate` writes; with `--check` it only says what is out of date, and exits 1.
"""

import sys
from pathlib import Path

from ops import readme, wire

ROOT = Path(__file__).resolve().parent.parent


def documents() -> dict[Path, str]:
    """Every generated document as it should be."""
    page = ROOT / "README.md"
    return {
        **{ROOT / "docs" / name: text for name, text in wire.documents().items()},
        page: readme.fill(page.read_text(), ROOT),
    }


def main() -> int:
    stale = [
        path for path, text in documents().items() if not path.exists() or path.read_text() != text
    ]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"out of date: {path.relative_to(ROOT)}; run `make docs`")
        return int(bool(stale))
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(documents()[path])
        print(f"written: {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
