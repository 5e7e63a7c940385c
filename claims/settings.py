"""A site's settings: defaults, then denials.toml in DENIALS_HOME, then environment variables DENIALS_*.

Numbers of money are USD, shares lie between 0 and 1, days are calendar days. denials.toml explains each setting.
"""

from __future__ import annotations

import os
import tomllib
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from claims.errors import UsageError


class Section(BaseModel):
    """A table of denials.toml; a misspelt key is an error, not a silence."""

    model_config = ConfigDict(extra="forbid")


class IngestSettings(Section):
    """How files come in."""

    source_system: str = "practice"
    max_reject_share: float = Field(default=0.5, ge=0, le=1)
    max_unpacked_bytes: int = Field(default=8 << 30, ge=1)
    max_ratio: int = Field(default=250, ge=1)
    carc_classes: Path | None = None


class MaturitySettings(Section):
    """When a line is old enough to be learned from (DESIGN section 4)."""

    min_days: int = Field(default=21, ge=0)
    max_days: int = Field(default=90, ge=1)
    no_response_days: int = Field(default=180, ge=1)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.min_days <= self.max_days <= self.no_response_days:
            raise ValueError("min_days, max_days and no_response_days must not decrease in this order")
        return self


class TrainingSettings(Section):
    """How a model is made and let in."""

    seed: int = 20260101
    min_lines: int = Field(default=1_000, ge=1)
    promote: Literal["manual", "auto"] = "manual"
    tune: int = Field(default=0, ge=0)


class FeatureSettings(Section):
    """Which of the site's own columns (x_*) a model is offered (training/guard.py)."""

    allow: list[str] = Field(default_factory=list)
    deny: list[str] = Field(default_factory=list)
    max_columns: int = Field(default=50, ge=0)
    max_values: int = Field(default=1000, ge=2)
    max_levels: int = Field(default=100, ge=1)
    min_patients: int = Field(default=11, ge=1)
    one_person_share: float = Field(default=0.5, gt=0, le=1)
    alone_auroc: float = Field(default=0.90, gt=0.5, le=1)

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if both := sorted(set(self.allow) & set(self.deny)):
            raise ValueError(f"allow and deny both name {', '.join(both)}")
        return self


class GateSettings(Section):
    """What a challenger must show (training/gate.py); docs/decisions/0010 says where the numbers come from."""

    min_lines: int = Field(default=500, ge=1)
    min_claims: int = Field(default=250, ge=1)
    min_denials: int = Field(default=50, ge=1)
    ece_allowed: float = Field(default=0.02, ge=0, le=1)
    slope_low: float = Field(default=0.8, ge=0)
    slope_high: float = Field(default=1.25, ge=0)
    tie: float = Field(default=0.002, ge=0, le=1)
    payer_lines: int = Field(default=300, ge=1)
    payer_denials: int = Field(default=30, ge=1)
    payer_auroc_margin: float = Field(default=0.02, ge=0, le=1)
    payer_ece_margin: float = Field(default=0.02, ge=0, le=1)
    payer_calibration_lines: int = Field(default=2000, ge=1)
    max_steps: int = Field(default=1_500_000, ge=1)
    max_bytes: int = Field(default=20_000_000, ge=1)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.slope_low > self.slope_high:
            raise ValueError("slope_low lies above slope_high")
        return self


class EvidenceSettings(Section):
    """From how many known outcomes on a risk is trusted (training/evidence.py)."""

    high_from: int = Field(default=100, ge=1)
    medium_from: int = Field(default=30, ge=1)
    payer_from: int = Field(default=20, ge=1)
    service_from: int = Field(default=5, ge=1)
    stale_days: int = Field(default=180, ge=1)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.medium_from > self.high_from:
            raise ValueError("medium_from lies above high_from")
        return self


class MoneySettings(Section):
    """What a denial and a review cost, until the site's own remittances say better."""

    rework_cost: float = Field(default=57.23, ge=0)
    chance_of_recovery: float = Field(default=0.543, ge=0, le=1)
    avoidable_share: float = Field(default=0.34, ge=0, le=1)
    review_cost: float = Field(default=4.0, ge=0)
    review_budget_share: float = Field(default=0.10, gt=0, le=1)


class ServingSettings(Section):
    """Bands, decisions, and the service: its address, its processes, how long a body may take, how often a key asks."""

    medium_from: float = Field(default=0.2, ge=0, le=1)
    high_from: float = Field(default=0.5, ge=0, le=1)
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=1, le=65535)
    workers: int = Field(default=1, ge=1, le=64)
    body_seconds: float = Field(default=30.0, gt=0, le=3600)
    stop_seconds: int = Field(default=30, ge=1, le=3600)
    requests_per_second: float = Field(default=50.0, ge=0)
    requests_at_once: int = Field(default=100, ge=1)
    certificate: Path | None = None
    certificate_key: Path | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.medium_from > self.high_from:
            raise ValueError("medium_from lies above high_from")
        return self


class ScoreLogSettings(Section):
    """Where scores, and what became of them, are kept (serving/log); a relative path lies under the home."""

    enabled: bool = True
    url: str = "sqlite:///score_log.db"
    journal: Path = Path("journal")
    max_journal_bytes: int = Field(default=1 << 30, ge=1 << 20)
    retention_days: int = Field(default=2190, ge=0)


class OutcomesSettings(Section):
    """How outcomes that come over HTTP get into the store (serving/outcomes.py)."""

    every_seconds: float = Field(default=5.0, gt=0, le=3600)
    max_journal_bytes: int = Field(default=1 << 30, ge=1 << 20)


class RulesSettings(Section):
    """The site's own rules: books is a folder with payers/*.yaml and tables/*.csv; payers: payer id -> id of a book."""

    books: Path = Path("books")
    payers: dict[str, str] = Field(default_factory=dict)

    @field_validator("payers")
    @classmethod
    def _as_claims_hold_them(cls, payers: dict[str, str]) -> dict[str, str]:
        return {payer.strip().upper(): book for payer, book in payers.items()}


class ScheduleSettings(Section):
    """When the scheduled flows run (cron expressions, the site's time zone)."""

    train: str = "0 3 * * 1"
    ingest: str = "0 1 * * *"
    inbox: Path | None = None


class Settings(BaseSettings):
    """All settings of a site; see denials.toml."""

    model_config = SettingsConfigDict(env_prefix="DENIALS_", env_nested_delimiter="__", extra="forbid")

    home: Path = Field(default_factory=lambda: default_home())
    timezone: str = "America/New_York"
    ingest: IngestSettings = IngestSettings()
    maturity: MaturitySettings = MaturitySettings()
    training: TrainingSettings = TrainingSettings()
    features: FeatureSettings = FeatureSettings()
    gate: GateSettings = GateSettings()
    evidence: EvidenceSettings = EvidenceSettings()
    money: MoneySettings = MoneySettings()
    serving: ServingSettings = ServingSettings()
    score_log: ScoreLogSettings = ScoreLogSettings()
    outcomes: OutcomesSettings = OutcomesSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    rules: RulesSettings = RulesSettings()
    map: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, then denials.toml of the home they name."""
        home = init_settings().get("home") or env_settings().get("home") or default_home()
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, Path(home) / "denials.toml")

    @property
    def store(self) -> Path:
        """Folder of the Delta tables."""
        return self.home / "store"

    @property
    def kept(self) -> Path:
        """Folder in the store of what was worked out from it (serving/warm.py); it may be removed at any time."""
        return self.store / "history"

    @property
    def models(self) -> Path:
        """Folder of exported models; `champion` in it is what the service loads."""
        return self.home / "models"

    @property
    def books(self) -> Path:
        """Folder of the site's own rule books and tables; it need not exist."""
        return self.home / self.rules.books

    @property
    def mlruns(self) -> Path:
        """Folder of MLflow's database and artifacts."""
        return self.home / "mlruns"

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"there is no time zone {name!r}; write it like America/New_York") from error
        return name

    def today(self) -> date:
        """Today where the practice is."""
        return datetime.now(ZoneInfo(self.timezone)).date()


def default_home() -> Path:
    """The repository that this file lies in; installed anywhere else, the current folder."""
    root = Path(__file__).resolve().parent.parent
    return root if (root / "pyproject.toml").exists() else Path.cwd()


def load_settings(home: Path | str | None = None) -> Settings:
    """Settings of the site at `home` (default: DENIALS_HOME, else default_home()).

    Raises UsageError that names the setting when denials.toml or a DENIALS_* variable holds something else, and the
    place in the file when it is no TOML or no UTF-8.
    """
    chosen = Path(home or os.environ.get("DENIALS_HOME") or default_home()).resolve()
    try:
        return Settings(home=chosen)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise UsageError(f"denials.toml in {chosen} or a DENIALS_* variable is not valid: {faults}") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{chosen / 'denials.toml'} is no TOML: {error}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise UsageError(f"{chosen / 'denials.toml'} is not written in UTF-8: see line {line}") from error
