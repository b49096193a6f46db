"""What others made is in the repository as it was published, and says under which licence."""

import hashlib
import re

from seedcast.producers.gateway.page.assets import FOLDER

VENDOR = FOLDER / "vendor"


def test_the_files_have_the_hashes_that_are_written_beside_them() -> None:
    written = dict(
        re.findall(r"\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|", (VENDOR / "README.md").read_text())
    )
    files = {path.name: path for path in VENDOR.iterdir() if path.suffix in (".js", ".css")}
    assert written == {
        name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()
    }
    assert "Permission is hereby granted" in (VENDOR / "LICENSE-uPlot.txt").read_text()
