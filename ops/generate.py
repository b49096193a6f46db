"""Writes the documents generated from code: JSON Schemas, AsyncAPI, marked parts of docs/.

`python -m ops.generate` writes. With `--check` it writes nothing, and exits 1 if a document is out
of date.
"""

import sys
from pathlib import Path

from ops import reference, wire

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"


def documents() -> dict[Path, str]:
    """Return the current text of every generated document, by path."""
    wire_documents = {DOCS / name: text for name, text in wire.documents().items()}
    return wire_documents | reference.pages(DOCS)


def main() -> int:
    stale = {
        path: text
        for path, text in documents().items()
        if not path.exists() or path.read_text() != text
    }
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"out of date: {path.relative_to(ROOT)}; run `make generate`")
        return int(bool(stale))
    for path, text in stale.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        print(f"written: {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
