"""What an audit prints: an error's words are shown as they are, whatever is in them."""

import pytest

from seedcast.cli.audit import _print
from seedcast.storage.audit import Check, Finding, Report


def test_why_a_list_is_held_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    what = "a row of the list is not fed yet, and is held: got [red]list[/] or [0]"
    held = Finding("waiting_in_list", "unfinished", 3, what, ("row 1: [b]id",), more=2)
    report = Report(
        campaign_id="night",
        state="sealed",
        sealed=3,
        accepted=3,
        outcomes={},
        repeats=0,
        checks=(Check("outcomes", "each has one", 3, (held,)),),
    )
    _print(report)
    printed = " ".join(capsys.readouterr().out.split())
    assert what in printed
    assert "row 1: [b]id … and 2 more (--examples)" in printed
    assert "not finished: 3 wait" in printed
