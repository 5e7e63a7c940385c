"""Laws of the repository that no linter holds: what an import may do, sizes, docstrings, settings and verbs in words."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from typer.main import get_command

from claims.settings import Settings
from pipelines.cli import app

ROOT = Path(__file__).parents[2]
PACKAGES = ("claims", "rules", "features", "training", "serving", "monitoring", "dashboard", "pipelines", "data")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
MODULES = [path for path in FILES if path.name != "__init__.py" or path.read_text(encoding="utf-8").strip()]
LINES_OF_A_FUNCTION, LINES_OF_A_MODULE, LINES_OF_A_DOCSTRING = 60, 300, 6
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

# Imported last: they bring Prefect or MLflow, which read the environment and set up logging of their own.
FOREIGN = ("pipelines.ingest", "pipelines.score_batch", "pipelines.train", "training.pyfunc")


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def where(path: Path, node: ast.AST | None = None) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"


def definitions(path: Path) -> Iterator[Definition]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef))


def public(path: Path) -> Iterator[Definition]:
    """Functions and classes of a module, and methods of its public classes, that do not begin with _."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            yield from (
                inner
                for inner in node.body
                if isinstance(node, ast.ClassDef)
                and isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef)
                and not inner.name.startswith("_")
                and not _overload(inner)
            )


def _overload(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(getattr(mark, "id", "") == "overload" for mark in node.decorator_list)


def run(code: str, folder: Path, **environment: str) -> str:
    """What a fresh Python prints; it starts in an empty folder and writes no bytecode."""
    given = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(ROOT)} | environment
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, cwd=folder, env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_serving_loads_nothing_that_a_score_does_not_need(tmp_path: Path) -> None:
    heavy = ("mlflow", "prefect", "fastapi", "starlette", "uvicorn", "shap", "matplotlib", "plotly", "typer")
    code = f"import sys, serving; serving.Scorer; print(sorted({heavy!r} & sys.modules.keys()))".replace(
        f"{heavy!r} &", f"set({heavy!r}) &"
    )
    assert run(code, tmp_path) == "[]", "import it inside the function that needs it"


QUIET = """
import importlib, logging, os, sys, threading
read = []
plain = os._Environ.__getitem__
def watched(self, key):
    frame = sys._getframe(1)
    while frame.f_globals.get("__name__", "") in ("os", "_collections_abc", "collections.abc"):
        frame = frame.f_back
    module = frame.f_globals.get("__name__", "")
    if module.partition(".")[0] in PACKAGES:
        read.append(f"{module} reads {key}")
    return plain(self, key)
os._Environ.__getitem__ = watched
before = threading.active_count()
for name in MODULES:
    importlib.import_module(name)
handlers = [type(h).__module__ for h in logging.getLogger().handlers]
own = [n for n, l in logging.root.manager.loggerDict.items()
       if n.partition(".")[0] in PACKAGES and getattr(l, "handlers", None)]
print(sorted(set(read)), handlers, own, threading.active_count() - before)
"""


def test_nothing_happens_at_import(tmp_path: Path) -> None:
    names = [name_of(path) for path in FILES if "__main__" not in path.name and name_of(path) not in FOREIGN]
    home = tmp_path / "home"
    home.mkdir()
    code = f"PACKAGES, MODULES = {set(PACKAGES)!r}, {names!r}{QUIET}"
    told = run(code, home, DENIALS_HOME=str(home), TMPDIR=str(home), MPLCONFIGDIR=str(tmp_path))
    assert told == "[] [] [] 0", f"environment read, handlers of logging, own handlers, threads: {told}"
    assert not list(home.iterdir()), "an import writes files; do it in a function"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_says_what_it_holds_and_keeps_to_one_idea(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    said = ast.get_docstring(ast.parse(text))
    assert said, f"{where(path)} has no docstring: what it holds, units, dates, source of numbers"
    assert len(said.splitlines()) <= LINES_OF_A_DOCSTRING, f"{where(path)}: 1 to 6 lines; the rest belongs to docs/"
    assert len(text.splitlines()) < LINES_OF_A_MODULE, f"{where(path)} holds more than one idea: split it"


def test_functions_are_short() -> None:
    long = [
        f"{where(path, node)} {node.name}"
        for path in FILES
        for node in definitions(path)
        if not isinstance(node, ast.ClassDef) and (node.end_lineno or 0) - node.lineno >= LINES_OF_A_FUNCTION
    ]
    assert not long, f"over {LINES_OF_A_FUNCTION} lines, split them: {long}"


def test_what_is_public_says_what_it_does() -> None:
    silent = [f"{where(p, node)} {node.name}" for p in FILES for node in public(p) if not ast.get_docstring(node)]
    assert not silent, f"without a docstring (shapes, units, errors), or give them a name that begins with _: {silent}"


# Pieces of sentences as the AMA words its descriptors, cut in two so that this file does not hold them.
LICENSED = [
    r"list\s+sep" r"arately in addition", r"agent\(s\) and/or" r" steroid", r"injection\(s\), (anes" r"thetic|diag" r"nostic)",
    r"office or other out" r"patient visit", r"each addit" r"ional (level|facet joint)", r"imaging guid" r"ance \(fluoro",
]  # fmt: skip
UNFINISHED = r"\b(TO" r"DO|FIX" r"ME|XX" r"X:)\b"


def texts() -> Iterator[Path]:
    endings = {".py", ".md", ".csv", ".toml", ".yaml", ".j2", ".css", ".js"}
    for folder in (*PACKAGES, "docs", "benchmarks", "tests"):
        yield from (path for path in (ROOT / folder).rglob("*") if path.suffix in endings)
    yield from ROOT.glob("*.md")
    yield from (ROOT / "denials.toml", ROOT / "Makefile", ROOT / "pyproject.toml")


@pytest.mark.parametrize(
    ("patterns", "remedy"),
    [(LICENSED, "descriptors of CPT are the AMA's: say it in our own words"), ([UNFINISHED], "finish it or leave it out")],
    ids=["licensed words", "unfinished work"],
)  # fmt: skip
def test_words_that_do_not_belong_here(patterns: list[str], remedy: str) -> None:
    sought = re.compile("|".join(patterns), re.IGNORECASE if len(patterns) > 1 else 0)
    found = [str(path.relative_to(ROOT)) for path in texts() if sought.search(path.read_text(encoding="utf-8"))]
    assert not found, f"{remedy}: {found}"


EXAMPLES = {
    "ingest.carc_classes",
    "schedule.inbox",
    "serving.certificate",
    "serving.certificate_key",
    "rules.payers",
    "map",
}  # nothing by default: denials.toml shows how it would look


def flat(told: Any, prefix: str = "") -> dict[str, Any]:
    """Settings by their dotted name; sections are opened, `map` and `payers` are not."""
    if isinstance(told, BaseModel):
        told = {name: getattr(told, name) for name in type(told).model_fields}
    found: dict[str, Any] = {}
    for name, value in told.items():
        opened = isinstance(value, BaseModel | dict) and name not in ("map", "payers")
        found |= flat(value, f"{prefix}{name}.") if opened else {f"{prefix}{name}": value}
    return found


def test_every_setting_stands_in_denials_toml_with_its_default(tmp_path: Path) -> None:
    written = (ROOT / "denials.toml").read_text(encoding="utf-8")
    shown = re.sub(r"^# ((?:\[map\.\w+\]|\w+ = ).*)$", r"\1", written, flags=re.MULTILINE)
    (tmp_path / "denials.toml").write_text(shown, encoding="utf-8")
    stated, own = flat(tomllib.loads(shown)), flat(Settings(home=tmp_path))
    defaults = flat(Settings(home=tmp_path / "nowhere"))
    del defaults["home"], own["home"]
    assert stated.keys() == defaults.keys(), "denials.toml and claims/settings.py name other settings"
    differing = {name for name in defaults if own[name] != defaults[name]} - EXAMPLES
    assert not differing, f"denials.toml states another default: {sorted(differing)}"
    assert all(not defaults[name] for name in EXAMPLES)
    assert not flat(tomllib.loads(written)), "a line of denials.toml is not commented out"


def test_every_verb_stands_in_the_readme() -> None:
    command: Any = get_command(app)
    said = (ROOT / "README.md").read_text(encoding="utf-8")
    missing = [verb for verb in command.commands if not re.search(rf"(denials|make) {verb}\b", said)]
    assert not missing, f"README.md does not show: {missing}"
