"""What the page loads beside itself, held in memory. The address has the hash of all of it.

So a browser keeps it for good, and takes the new files once one has changed.
"""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from seedcast.producers.gateway.problems import not_found

FOLDER = Path(__file__).parent / "static"
MEDIA = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, kw_only=True)
class Asset:
    media: str
    plain: bytes
    packed: bytes


class Assets:
    def __init__(self, folder: Path = FOLDER) -> None:
        self.files = _read(folder)
        digest = hashlib.sha256()
        for name, asset in self.files.items():
            digest.update(name.encode() + b"\0" + asset.plain + b"\0")
        self.version = digest.hexdigest()[:16]

    def address(self, name: str) -> str:
        """Raises KeyError for a file that is not there."""
        if name not in self.files:
            raise KeyError(name)
        return f"/static/{self.version}/{name}"

    async def answer(self, request: Request) -> Response:
        """Answer with a file; under an old hash, too, for a page from before an upgrade."""
        if (asset := self.files.get(request.path_params["name"])) is None:
            raise not_found("the file")
        is_current = request.path_params["version"] == self.version
        headers = {
            "cache-control": FOREVER if is_current else "no-store",
            "vary": "accept-encoding",
            "x-content-type-options": "nosniff",
        }
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["content-encoding"] = "gzip"
            return Response(asset.packed, 200, headers, asset.media)
        return Response(asset.plain, 200, headers, asset.media)


def _read(folder: Path) -> Mapping[str, Asset]:
    found = sorted(path for path in folder.rglob("*") if path.suffix in MEDIA)
    return {path.relative_to(folder).as_posix(): _asset(path) for path in found}


def _asset(path: Path) -> Asset:
    data = path.read_bytes()
    return Asset(media=MEDIA[path.suffix], plain=data, packed=gzip.compress(data, mtime=0))
