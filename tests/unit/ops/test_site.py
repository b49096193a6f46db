"""The check of the built site finds every way in which a page asks another host."""

from pathlib import Path

import pytest

from ops.site import outside_requests


@pytest.mark.parametrize(
    "part",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<link rel="stylesheet" href="//fonts.example/x.css">',
        '<link rel="preconnect" href="https://fonts.example">',
        '<img alt="" src="http://pictures.example/x.png">',
        '<img alt="" srcset="x.png 1x, https://pictures.example/x.png 2x">',
        "<style>@import 'https://fonts.example/x.css';</style>",
        '<p style="background: url(https://pictures.example/x.png)">',
        '<iframe src="https://videos.example"></iframe>',
    ],
)
def test_a_request_to_another_host_is_found(part: str, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(f"<html><body>{part}</body></html>")
    ((file, address),) = outside_requests(tmp_path)
    assert file.name == "page.html"
    assert ".example" in address


def test_links_to_follow_and_files_of_the_site_are_no_requests(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(
        '<link rel="canonical" href="https://seedcast.example/"><a href="https://x.example">x</a>'
        '<script src="assets/x.js"></script><img alt="" src="images/flow.svg">'
    )
    (tmp_path / "flow.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"></svg>')
    (tmp_path / "x.css").write_text('p { background: url("data:image/svg+xml,<svg/>") }')
    assert not list(outside_requests(tmp_path))


def test_a_style_sheet_that_asks_another_host_is_found(tmp_path: Path) -> None:
    (tmp_path / "x.css").write_text("@font-face { src: url(//fonts.example/x.woff2) }")
    assert [address for _, address in outside_requests(tmp_path)] == ["//fonts.example/x.woff2"]
