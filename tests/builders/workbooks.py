"""Makes .xlsx workbooks part by part, also such as no program writes."""

import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from xml.sax.saxutils import escape

_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
DATE, TIME, MOMENT, LENGTH = 1, 2, 3, 4  # styles, for `styled`
_STYLES = (
    f'{_HEAD}<styleSheet xmlns="{_MAIN}"><cellXfs count="5">'
    + "".join(f'<xf numFmtId="{number}"/>' for number in (0, 14, 20, 22, 46))
    + "</cellXfs></styleSheet>"
)


class Raw(str):
    """The inside of a row's XML: a cell as it stands in the file."""


def styled(number: float, style: int) -> Raw:
    return Raw(f'<c s="{style}"><v>{number}</v></c>')


def sheet(rows: Iterable[Iterable[object]], merged: Iterable[str] = ()) -> str:
    """Return a sheet's XML. A cell is text, a number, a truth value, None or Raw."""
    lines = "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in rows)
    ranges = "".join(f'<mergeCell ref="{ref}"/>' for ref in merged)
    merges = f"<mergeCells>{ranges}</mergeCells>" if ranges else ""
    return f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>{lines}</sheetData>{merges}</worksheet>'


def workbook(
    folder: Path,
    sheets: Mapping[str, str],
    name: str = "list.xlsx",
    others: Mapping[str, str | bytes] | None = None,
    compression: int = zipfile.ZIP_DEFLATED,
) -> Path:
    """Write a workbook of sheets by name. `others`: more parts, or other ones, by their path."""
    numbers = range(1, len(sheets) + 1)
    entries = "".join(
        f'<sheet name="{escape(title)}" sheetId="{number}" r:id="rId{number}"/>'
        for number, title in zip(numbers, sheets, strict=True)
    )
    targets = "".join(
        _relationship(f"rId{number}", "worksheet", f"worksheets/sheet{number}.xml")
        for number in numbers
    )
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types"/>',
        "_rels/.rels": _relationships(_relationship("rId1", "officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
        f"<sheets>{entries}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": _relationships(
            targets + _relationship("rId900", "styles", "styles.xml")
        ),
        "xl/styles.xml": _STYLES,
    }
    bodies = zip(numbers, sheets.values(), strict=True)
    parts |= {f"xl/worksheets/sheet{number}.xml": body for number, body in bodies}
    with zipfile.ZipFile(folder / name, "w", compression) as file:
        for path, body in (parts | dict(others or {})).items():
            file.writestr(path, body)
    return folder / name


def shared_texts(*texts: str) -> dict[str, str]:
    """Return the parts of a workbook of one sheet that has shared texts."""
    kinds = {"worksheet": "worksheets/sheet1.xml", "sharedStrings": "sharedStrings.xml"}
    entries = "".join(
        _relationship(f"rId{number}", kind, target)
        for number, (kind, target) in enumerate(kinds.items(), start=1)
    )
    items = "".join(f"<si><t>{escape(text)}</t></si>" for text in texts)
    return {
        "xl/_rels/workbook.xml.rels": _relationships(entries),
        "xl/sharedStrings.xml": f'{_HEAD}<sst xmlns="{_MAIN}">{items}</sst>',
    }


def a_list(folder: Path, *rows: Iterable[object], merged: Iterable[str] = ()) -> Path:
    """Write a workbook of one sheet."""
    return workbook(folder, {"List": sheet(rows, merged)})


def _cell(value: object) -> str:
    if isinstance(value, Raw):
        return str(value)
    if value is None:
        return "<c/>"
    if isinstance(value, bool):
        return f'<c t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float):
        return f"<c><v>{value}</v></c>"
    return f'<c t="inlineStr"><is><t>{escape(str(value))}</t></is></c>'


def _relationship(name: str, kind: str, target: str) -> str:
    return f'<Relationship Id="{name}" Type="{_OFFICE}/{kind}" Target="{target}"/>'


def _relationships(inside: str) -> str:
    return f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{inside}</Relationships>'
