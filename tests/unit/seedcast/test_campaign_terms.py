"""`campaigns set`, and what `submit` says of terms that it did not change."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from typer.testing import CliRunner

from seedcast.cli import base, campaign_terms, campaigns
from seedcast.cli.campaign_terms import TERMS, _show
from seedcast.cli.submit import show
from seedcast.cli.term_options import FedListOptions
from seedcast.errors import InvalidInput
from seedcast.producers.staging.options import SubmitReport
from seedcast.producers.terms import Terms

BEFORE: dict[str, Any] = {
    "weight": 1.0,
    "tenant": "default",
    "rate": 0.5,
    "start_at": datetime(2026, 12, 1, 12, tzinfo=UTC),
    "window": None,
    "zone": None,
    "deadline": None,
}


@pytest.fixture(autouse=True)
def _logs_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (campaigns, campaign_terms):
        monkeypatch.setattr(module, "quiet_logs", lambda: None)


def test_terms_are_shown_before_and_after(capsys: pytest.CaptureFixture[str]) -> None:
    after = BEFORE | {"weight": 2.5, "rate": None, "start_at": None, "window": "20:00-06:00"}
    _show("night", BEFORE, after, as_json=False)
    assert capsys.readouterr().out.splitlines() == [
        "night: weight 1 → 2.5",
        "night: rate 30/min → none",
        "night: start at 2026-12-01T12:00:00+00:00 → now",
        "night: window none → 20:00-06:00",
    ]
    _show("night", BEFORE, BEFORE, as_json=False)
    assert "already; nothing to do" in capsys.readouterr().out
    _show("night", BEFORE, after, as_json=True)
    shown = json.loads(capsys.readouterr().out)
    assert (shown["weight"], shown["before"]["weight"], shown["changed"]) == (2.5, 1.0, True)


def test_every_term_can_be_set_and_submitted() -> None:
    assert set(TERMS) == set(Terms.__dataclass_fields__)
    options = FedListOptions(
        weight=2.0, tenant="bank", rate="5/s", start_at="2h", window="1:00", zone="UTC"
    ).submit_options("night", spread=3)
    given = (options.weight, options.tenant, options.rate, options.start_at)
    assert given == (2.0, "bank", "5/s", "2h")
    assert (options.window, options.zone, options.spread) == ("1:00", "UTC", 3)


def test_a_command_that_sets_nothing_or_nonsense_asks_no_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(campaign_terms, "connected", lambda **_: pytest.fail("asked a server"))
    runner = CliRunner()
    nothing = runner.invoke(base.app, ["campaigns", "set", "night"])
    assert nothing.exit_code == 2
    for wrong in (["--weight", "0"], ["--window", "25:00-06:00"], ["--zone", "Mars/Olympus"]):
        nonsense = runner.invoke(base.app, ["campaigns", "set", "night", *wrong])
        assert isinstance(nonsense.exception, InvalidInput), wrong


def test_campaigns_alone_lists_them_and_waits_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[object]()
    monkeypatch.setattr(campaigns, "connected", lambda *, store: store)
    monkeypatch.setattr(campaigns, "_rows", lambda settings: asked.append(settings) or [])
    monkeypatch.setattr(campaigns, "finish", lambda _, name, __: asked.append(name))
    runner = CliRunner()
    assert runner.invoke(base.app, ["campaigns", "-q", "--json"]).exit_code == 0
    assert runner.invoke(base.app, ["campaigns", "--wait", "night"]).exit_code == 0
    assert asked == [False, "night", True]


@pytest.mark.parametrize("rows", [[], [{}]])
def test_below_the_table_of_campaigns_is_the_fleet(
    monkeypatch: pytest.MonkeyPatch, rows: list[dict[str, Any]]
) -> None:
    shown = list[str]()
    monkeypatch.setattr(campaigns, "connected", lambda *, store: store)
    monkeypatch.setattr(campaigns, "_rows", lambda _: rows)
    monkeypatch.setattr(campaigns, "print_rows", lambda _: shown.append("table"))
    monkeypatch.setattr(campaigns, "print_summary", lambda _: shown.append("fleet"))
    assert CliRunner().invoke(base.app, ["campaigns"]).exit_code == 0
    assert shown == ["table", "fleet"] if rows else shown == ["table"]


def test_a_list_that_is_there_on_other_terms_says_how_to_change_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = SubmitReport(
        campaign_id="night",
        state="sealed",
        rows=1,
        accepted=1,
        before=True,
        duplicates=0,
        rejected=0,
        rejections=(),
        rejected_file=None,
        seconds=1.0,
        other_terms=("weight", "start_at"),
    )
    show(report)
    said = capsys.readouterr().err
    assert said == (
        "  its weight and start at stay as they are: `seedcast campaigns set night` changes terms\n"
    )
