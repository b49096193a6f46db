"""What an .xlsx workbook is made of, checked before its reader sees it.

It is a ZIP archive of XML. Its reader takes all of it into memory, and believes what it says: so
the archive is unpacked once to be counted, and a part with a DOCTYPE, whose entities may be
anything, is refused, and so are macros.
"""

import copy
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import IO
from xml.parsers import expat

from seedcast.errors import InvalidInput
from seedcast.producers.rows.bounds import MIB, most_unpacked
from seedcast.producers.rows.rows import BLOCK

MOST = 1024 * MIB  # bytes of a workbook unpacked; a million rows of Excel have some 300 MiB
PARTS = 10_000
TOKEN = BLOCK  # bytes of a tag or a comment, which its parser keeps in memory whole

OnElement = Callable[[str, Mapping[str, str]], None]  # local name, attributes
OnText = Callable[[str], None]


class Parts:
    """The parts of one archive. Methods raise InvalidInput."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            raise InvalidInput(
                f"{path} is no .xlsx workbook",
                got=str(error),
                remedy="save it as .xlsx, without a password",
            ) from error

    def close(self) -> None:
        self._archive.close()

    def check(self) -> None:
        """Unpack each part, to refuse bombs, damage, macros and entities."""
        left = min(MOST, most_unpacked(self._path.stat().st_size))
        parts = self._archive.infolist()
        if len(parts) > PARTS:
            raise self._wrong(f"at most {PARTS:,} parts", f"{len(parts):,}")
        for part in parts:
            name = part.filename.lower()
            if name.endswith("vbaproject.bin"):
                remedy = "save it as .xlsx, without macros"
                raise self._wrong("a workbook without macros", "macros", remedy)
            left = self._count(part, left, parse=name.endswith((".xml", ".rels")))

    def sheet_part(self, sheet: str) -> str:
        """Return the path of a sheet's part."""
        main = self._target("_rels/.rels", "officeDocument", "xl/workbook.xml")
        ids = dict[str, str]()

        def start(name: str, attributes: Mapping[str, str]) -> None:
            if name == "sheet":
                ids[attributes.get("name", "")] = next(
                    (value for key, value in attributes.items() if key.endswith(":id")), ""
                )

        self.parse(main, start)
        rels = PurePosixPath(main).parent / "_rels" / f"{PurePosixPath(main).name}.rels"
        return self._relationships(str(rels)).get(ids.get(sheet, ""), ("", ""))[1]

    def part_of(self, kind: str) -> str:
        """Return the path of the workbook's part of a kind, or ''."""
        main = self._target("_rels/.rels", "officeDocument", "xl/workbook.xml")
        rels = PurePosixPath(main).parent / "_rels" / f"{PurePosixPath(main).name}.rels"
        return self._target(str(rels), kind, "")

    def parse(self, name: str, start: OnElement, text: OnText | None = None) -> None:
        """Read a part's XML."""
        parser = _parser(start, text)
        try:
            with self._archive.open(name) as stream:
                while chunk := stream.read(BLOCK):
                    parser.Parse(chunk, False)  # no token is too long: `check` has seen to it
            parser.Parse(b"", True)
        except KeyError:
            raise self._wrong("a workbook with all of its parts", f"none named {name!r}") from None
        except (expat.ExpatError, zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise self._wrong(f"valid XML in {name!r}", str(error)) from error

    def _target(self, name: str, kind: str, usual: str) -> str:
        found = (path for end, path in self._relationships(name).values() if end == kind)
        return next(found, usual)

    def _relationships(self, name: str) -> dict[str, tuple[str, str]]:
        """Return kind and path by id."""
        found, folder = dict[str, tuple[str, str]](), PurePosixPath(name).parent.parent

        def start(element: str, attributes: Mapping[str, str]) -> None:
            if element == "Relationship":
                target = attributes.get("Target", "")
                path = target[1:] if target.startswith("/") else str(folder / target)
                kind = attributes.get("Type", "").rpartition("/")[2]
                found[attributes.get("Id", "")] = kind, path

        if name in self._archive.namelist():
            self.parse(name, start)
        return found

    def _count(self, part: zipfile.ZipInfo, left: int, *, parse: bool) -> int:
        """Unpack a part. Returns how many bytes the other parts may have."""
        honest = copy.copy(part)
        honest.file_size = left + 2 * BLOCK  # not what the archive says: it may be untrue
        parser = _parser(None, None) if parse else None
        try:
            with self._archive.open(honest) as stream:
                left = self._unpack(stream, left, parser)
            if parser:
                parser.Parse(b"", True)
        except _Doctype:
            remedy = "save it anew as .xlsx in a spreadsheet program"
            raise self._wrong("XML without entities", "a DOCTYPE", remedy) from None
        except expat.ExpatError as error:
            raise self._wrong(f"valid XML in {part.filename!r}", str(error)) from error
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            RuntimeError,
            NotImplementedError,
        ) as error:
            raise self._wrong("a whole .xlsx file", str(error), "copy or save it again") from error
        return left

    def _unpack(self, stream: IO[bytes], left: int, parser: expat.XMLParserType | None) -> int:
        all_ = left
        while chunk := stream.read(BLOCK):
            left -= len(chunk)
            if left < 0:
                raise self._wrong(
                    "at most 200 times its size unpacked, and at most 1 GiB",
                    "more",
                    "save the list as .csv",
                )
            if parser:
                parser.Parse(chunk, False)
                if all_ - left - parser.CurrentByteIndex > TOKEN:
                    raise self._wrong(f"XML with tags of at most {TOKEN:,} bytes", "a longer one")
        return left

    def _wrong(self, expected: str, got: str, remedy: str = "") -> InvalidInput:
        return InvalidInput(str(self._path), expected=expected, got=got[:200], remedy=remedy)


class _Doctype(Exception):
    """A part has a DOCTYPE."""


def _parser(start: OnElement | None, text: OnText | None) -> expat.XMLParserType:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    if start:
        locals_: dict[str, str] = {}

        def element(name: str, attributes: dict[str, str]) -> None:
            local = locals_.get(name) or locals_.setdefault(name, name.rpartition(":")[2])
            start(local, attributes)

        parser.StartElementHandler = element
    parser.CharacterDataHandler = text
    return parser


def _refuse_doctype(*_: object) -> None:
    raise _Doctype
