"""A model is a folder of plain files that knows its own features and refuses rows built from others.

booster.txt, calibration.json, catalog.json (columns of X, with digests), categories.json (levels), golden.jsonl
(claims and the risks they must get), card.md, reasons.json and reasons.txt (training/reasons.py), recent.json
(training/recent.py; folders of before lack these), versions.json (where it comes from, how good it was:
training/evaluation.py; checksums of the other files).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np

from claims.errors import ModelMismatchError, NoModelError
from features.catalog import Feature
from features.site import definition
from features.table import FeatureTable
from training.calibrate import Calibration
from training.contributions import Contributions, threads
from training.evaluation import KEY, Evaluation
from training.matrix import Encoder, Levels
from training.reasons import REASON_FILES, Reasons
from training.recent import FILE as RECENT_FILE
from training.recent import Recent, Seen, Watch
from training.steps import steps

FILES = ("booster.txt", "calibration.json", "catalog.json", "categories.json", "golden.jsonl", "card.md")
REMEDY = "train one (denials train, then denials promote) or name another folder"


@dataclass(frozen=True)
class Column:
    """One column of X as the model learned it."""

    name: str
    dtype: str
    digest: str

    @classmethod
    def of(cls, feature: Feature) -> Column:
        """The column of a feature of the catalog."""
        return cls(feature.name, feature.dtype, feature.digest)


@dataclass(frozen=True)
class DenialModel:
    """Scores lines. Made by training, or read from a folder by `load`; never changed after."""

    booster_text: str
    calibration: Calibration
    columns: tuple[Column, ...]
    levels: Levels
    versions: dict[str, Any]
    golden: tuple[dict[str, Any], ...] = ()
    card: str = ""
    reasons: Reasons | None = None
    recent: Recent | None = None
    _booster: lgb.Booster = field(init=False, repr=False, compare=False)
    _explains: Contributions = field(init=False, repr=False, compare=False)
    _encoder: Encoder = field(init=False, repr=False, compare=False)
    _watch: Watch | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Read the booster once."""
        object.__setattr__(self, "_booster", _read_booster(self.booster_text))
        object.__setattr__(self, "_explains", Contributions(self._booster))
        object.__setattr__(self, "_encoder", Encoder(self.features, self.levels))
        watch = None if self.recent is None else Watch(self.recent, self.features, self.levels)
        object.__setattr__(self, "_watch", watch)

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the columns of X, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def definitions(self) -> tuple[Feature, ...]:
        """What each column of X means, in order."""
        found = [definition(column.name, column.dtype) for column in self.columns]
        return tuple(feature for feature in found if feature is not None)

    @property
    def name(self) -> str:
        """The registered name."""
        return str(self.versions["name"])

    @property
    def version(self) -> str:
        """The number under which it is registered; "unregistered" before."""
        return str(self.versions["version"])

    @property
    def trained_through(self) -> date:
        """The last submitted_date among the lines it learned from."""
        return date.fromisoformat(self.versions["trained_through"])

    @property
    def as_of(self) -> date:
        """The day before which everything that it learned from was known."""
        return date.fromisoformat(self.versions["as_of"])

    @property
    def evaluation(self) -> Evaluation | None:
        """What the replay measured when it was trained; None where there was too little history for one."""
        found: Evaluation | None = self.versions.get(KEY)
        return found

    @cached_property
    def catalog_digest(self) -> str:
        """One digest of the features used and their definitions."""
        return digest_of(self.columns)

    @property
    def steps(self) -> int:
        """The work of one line's contributions: training.contributions.steps."""
        return steps(self.booster_text)

    @property
    def size(self) -> int:
        """Bytes of its files without versions.json."""
        return sum(len(text.encode()) for text in self._contents().values())

    def matrix(self, table: FeatureTable) -> np.ndarray:
        """(lines, features) float64: categories as this model's codes, nan for missing, unseen levels as "other"."""
        return self._encoder.matrix(table)

    def raw_score(self, X: np.ndarray) -> np.ndarray:
        """(lines,) log-odds before calibration; the same to the last bit for one line and for many."""
        if not len(X):
            return np.zeros(0)
        return np.asarray(self._booster.predict(X, raw_score=True, num_threads=threads(len(X))), dtype=np.float64)

    def contributions(self, X: np.ndarray) -> np.ndarray:
        """(lines, features + 1) log-odds; the last column is the base value, and a row adds up to its raw score."""
        return self._explains.of(X)

    def warm(self) -> None:
        """Build or load what contributions need, so that no request waits for it."""
        self._explains.warm()

    def risk(self, raw: np.ndarray, X: np.ndarray) -> np.ndarray:
        """(lines,) probability of denial from (lines,) raw scores of the rows of X (lines, features).

        Strictly increasing in the raw score, but where the payer lately answers a code otherwise than the model expects
        (training/recent.py): there among the lines of that payer, code and day.
        """
        risk, seen = self.calibration.risk(raw), self.seen(X)
        return risk if seen is None else seen.moved(risk)

    def seen(self, X: np.ndarray) -> Seen | None:
        """What is known lately of the payer and code of the rows of X; None where the model does not watch them."""
        return self._watch.seen(X) if self._watch is not None else None

    def claim_risk(self, risk: np.ndarray, claim: np.ndarray) -> np.ndarray:
        """(claims,) from (lines,) risks and claim codes 0..k-1; of a claim of one line that line's risk."""
        return self.calibration.claim_risk(risk, claim)

    def check_golden(self) -> int:
        """Score the golden claims anew and return how many there are. ModelMismatchError when a risk has changed."""
        from training.golden import check_golden  # it reads claims and builds features, which scoring a matrix does not

        return check_golden(self)

    def with_version(self, version: str) -> DenialModel:
        """The same model under a registered number."""
        return replace(self, versions=self.versions | {"version": version})

    def with_evaluation(self, found: Evaluation | None) -> DenialModel:
        """The same model with what was measured."""
        return replace(self, versions=self.versions | {KEY: found})

    def save(self, folder: Path) -> None:
        """Write the folder whole or not at all: first beside it, then renamed.

        Where it replaces an older folder, that one is set aside first. Between the two renamings there is no folder and
        `load` raises NoModelError; a process that ends there leaves the older one beside it, its name starting with a
        dot. A service follows a link to a folder that is complete already, and meets this moment only when the exported
        folder of that very version is replaced.
        """
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        draft.chmod(0o755)
        contents = self._contents()
        for name, text in contents.items():
            (draft / name).write_text(text, encoding="utf-8")
        stamped = self.versions | {"checksums": {name: _checksum(text.encode()) for name, text in contents.items()}}
        (draft / "versions.json").write_text(_json(stamped), encoding="utf-8")
        older = draft.with_name(f"{draft.name}.old")
        if folder.exists():
            os.replace(folder, older)
        os.replace(draft, folder)
        shutil.rmtree(older, ignore_errors=True)

    def _contents(self) -> dict[str, str]:
        return {
            "booster.txt": self.booster_text,
            "calibration.json": _json(self.calibration.as_dict()),
            "catalog.json": _json([vars(column) for column in self.columns]),
            "categories.json": _json({name: list(levels) for name, levels in self.levels.items()}),
            "golden.jsonl": "".join(json.dumps(row, sort_keys=True) + "\n" for row in self.golden),
            "card.md": self.card,
            **(self.reasons.contents() if self.reasons else {}),
            **(self.recent.contents() if self.recent else {}),
        }

    @classmethod
    def load(cls, folder: Path) -> DenialModel:
        """The model of a folder.

        NoModelError when the folder is missing or damaged; ModelMismatchError when this code builds a feature of it
        differently or not at all. Both say what to do.
        """
        versions = _versions(folder)
        optional = [name for name in (*REASON_FILES, RECENT_FILE) if name in versions["checksums"]]
        texts = {name: _checked(folder / name, versions["checksums"].get(name)) for name in (*FILES, *optional)}
        columns = tuple(Column(**column) for column in json.loads(texts["catalog.json"]))
        _refuse_changed(columns, versions)
        levels = {name: tuple(found) for name, found in json.loads(texts["categories.json"]).items()}
        golden = tuple(json.loads(row) for row in texts["golden.jsonl"].splitlines())
        calibration = Calibration.from_dict(json.loads(texts["calibration.json"]))
        own = {name: value for name, value in versions.items() if name != "checksums"}
        reasons = Reasons.read(texts) if any(name in texts for name in REASON_FILES) else None
        recent = Recent.read(texts[RECENT_FILE]) if RECENT_FILE in texts else None
        return cls(texts["booster.txt"], calibration, columns, levels, own, golden, texts["card.md"], reasons, recent)


def digest_of(columns: Sequence[Column]) -> str:
    """One digest of these columns, in this order, and the definitions of their features."""
    return _checksum("\n".join(f"{column.name} {column.digest}" for column in columns).encode())


def _versions(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise NoModelError(f"there is no model in {folder}: {REMEDY}")
    try:
        found = json.loads((folder / "versions.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise NoModelError(f"the model folder {folder} has no readable versions.json: {REMEDY}") from error
    if not isinstance(found, dict) or not isinstance(found.get("checksums"), dict):
        raise NoModelError(f"versions.json in {folder} has no checksums: {REMEDY}")
    return found


def _checked(path: Path, checksum: str | None) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise NoModelError(f"the model folder {path.parent} lacks {path.name}: {REMEDY}") from error
    if _checksum(content) != checksum:
        raise NoModelError(f"{path.name} in {path.parent} is truncated or changed: {REMEDY}")
    return content.decode("utf-8")


def _refuse_changed(columns: Sequence[Column], versions: dict[str, Any]) -> None:
    built = [definition(column.name, column.dtype) for column in columns]
    changed = [c.name for c, now in zip(columns, built, strict=True) if now is None or now.digest != c.digest]
    if changed:
        raise ModelMismatchError(
            f"model {versions.get('version')} was trained on features that this version of the code does not build the "
            f"same way: {', '.join(changed)}. Train anew (denials train), or run the code it was trained with "
            f"({versions.get('code_version')})"
        )


def _read_booster(text: str) -> lgb.Booster:
    try:
        return lgb.Booster(model_str=text)
    except lgb.basic.LightGBMError as error:
        raise NoModelError(f"booster.txt is not a LightGBM model: {REMEDY}") from error


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, sort_keys=True) + "\n"


def _checksum(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
