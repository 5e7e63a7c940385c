"""What the demo promises to whoever looks at its exit code, and the day that its page is of."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from claims.errors import GateFailedError
from pipelines import demo


@pytest.mark.parametrize("passed", [True, False])
def test_a_failed_gate_is_told_after_everything_is_shown(
    passed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Any] = []
    done = SimpleNamespace(result=SimpleNamespace(passed=passed))
    monkeypatch.setattr(demo, "_work", lambda *given: done)
    monkeypatch.setattr(demo, "_tell", lambda settings, what, seconds: shown.append(what))
    if passed:
        demo.run_demo(tmp_path / "demo", 500)
    else:
        with pytest.raises(GateFailedError):
            demo.run_demo(tmp_path / "demo", 500)
    assert shown == [done]


def test_the_page_is_of_the_demos_own_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}
    result = SimpleNamespace(passed=True, run_id=None, folder=tmp_path)

    def train(store: Any, settings: Any, *, as_of: date, progress: Any) -> Any:
        seen["trained"] = as_of
        return result

    def write_report(settings: Any, out: Path, *, synthetic: bool, as_of: date) -> Path:
        seen["page"] = as_of
        return out

    monkeypatch.setattr(demo, "train", train)
    monkeypatch.setattr(demo, "write_report", write_report)
    monkeypatch.setattr(demo, "Scorer", SimpleNamespace(load=lambda *given: None))
    monkeypatch.setattr(demo, "score_file", lambda *given, **named: None)
    monkeypatch.setattr(demo, "explain_file", lambda *given, **named: {})
    done = demo._work(demo.load_settings(tmp_path / "home"), 500, lambda message, share: None)
    last = done.made.lines["submitted_date"].max()
    assert isinstance(last, date)
    assert seen == {"trained": last - demo.HELD_BACK, "page": last - demo.HELD_BACK}
    assert not list(tmp_path.rglob("truth*"))
