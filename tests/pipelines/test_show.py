"""What the verbs say: risks, counts, wrapped lines, the replay's title and the ceilings."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from claims.report import FileReport, IngestReport
from claims.settings import Settings
from pipelines import show, terminal


@pytest.mark.parametrize(
    ("risk", "words"), [(0.0, "0%"), (0.004, "<1%"), (0.314, "31%"), (0.994, "99%"), (0.9961, ">99%"), (1.0, "100%")]
)
def test_a_risk_below_one_is_never_shown_as_sure(risk: float, words: str) -> None:
    assert show.percent(risk) == words


def test_one_is_not_many() -> None:
    assert [terminal.counted(n, "claim") for n in (0, 1, 2_000)] == ["0 claims", "1 claim", "2,000 claims"]


def _screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "out", Console(highlight=False, force_terminal=True, width=40, no_color=True))


def test_words_stay_whole_in_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    _screen(monkeypatch)
    text = "    - " + "several words of a sentence " * 4 + "/a/path/that/is/longer/than/the/whole/screen/is"
    terminal.say(text)
    terminal.say(text.strip(), whole=True)
    *wrapped, whole = capsys.readouterr().out.splitlines()
    assert len(wrapped) > 3 and [word for line in wrapped for word in line.split()] == text.split()
    assert all(len(line) <= 40 for line in wrapped[:-1]) and all(line.startswith("    ") for line in wrapped)
    assert whole == text.strip()


def _result(**given: Any) -> Any:
    return SimpleNamespace(
        model_version="3", as_of=date(2026, 10, 24), lines_used=1, lines_immature=7, metrics={"auroc": 0.8},
        baselines={"payer_cpt": {"auroc": 0.7}}, gate=[], notes=(), run_id="r", passed=True,
        replayed=SimpleNamespace(start=date(2026, 4, 11)),
    )  # fmt: skip


def test_the_replay_says_since_when(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    show.trained(_result(), Settings(home=tmp_path))
    said = " ".join(capsys.readouterr().out.split())
    assert "Replay since 2026-04-11 (the last fourth of the data)" in said and "1 mature line;" in said
    assert "Next: denials promote" in said and "MLflow:" in said
    show.trained(_result(), Settings(home=tmp_path), chosen=True)
    said = capsys.readouterr().out
    assert "Replay since 2026-04-11" in said and "fourth" not in said


def test_the_demo_shows_ceilings_and_no_next_step(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    show.trained(_result(), Settings(home=tmp_path), {"oracle": 0.9, "reachable": 0.85}, onward=False)
    said = capsys.readouterr().out
    assert "Ceiling: what the columns can tell: AUROC 0.850" in said
    assert "Ceiling: everything that decides: AUROC 0.900" in said
    assert "Next:" not in said and "MLflow:" not in said


def _files(count: int) -> IngestReport:
    told = [
        FileReport(f"f{i:03d}.835", "835", 2, 0, outcomes_accepted=5, matched=4, unmatched=1, new=5)
        for i in range(count)
    ]
    odd = FileReport("odd.837", "837P", 1, 1, lines_accepted=3, lines_rejected=2, reasons={"hcpcs_code is missing": 2},
                     quality={"unbalanced_claim": 3}, rejections=7)  # fmt: skip
    return IngestReport([*told, odd, FileReport("x.zip/y", reasons={"x.zip/y is protected by a password": 1})])


def _said(report: IngestReport, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[str]:
    monkeypatch.setattr(terminal, "out", Console(highlight=False, force_terminal=True, width=80, no_color=True))
    show.ingested(report)
    said = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).splitlines()
    assert all(len(line) <= 80 for line in said)
    return [" ".join(line.split()) for line in said]


def test_few_files_are_listed_with_their_sum(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = _said(_files(3), monkeypatch, capsys)
    assert "file kind claims lines outcomes matched unmatched rejected" in said
    assert "f001.835 835 2 0 5 4 1 0" in said and "odd.837 837P 1 3 0 0 0 2" in said
    assert "x.zip/y not read 0 0 0 0 0 0" in said and "5 files 7 3 15 12 3 2" in said
    assert "Rows: 15 new, 0 known already, 0 changed." in said
    assert "hcpcs_code is missing 2" in said and "unbalanced_claim 3" in said
    assert [line for line in said if "protected" in line] == ["Not read: x.zip/y is protected by a password"]
    assert any(line.startswith("Refused before adjudication (no denials): 7.") for line in said)


def test_many_files_are_summed_by_kind_and_those_in_trouble_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = _said(_files(300), monkeypatch, capsys)
    assert "300 files 835 600 0 1,500 1,200 300 0" in said and "302 files 601 3 1,500 1,200 300 2" in said
    assert "odd.837 837P 10 2" in said and "Not read: x.zip/y is protected by a password" in said
    assert len(said) < 40 and not any("f001" in line for line in said)
