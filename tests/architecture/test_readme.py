"""What the README shows works as it stands there."""

import re
import tomllib
from pathlib import Path

import polars as pl

from claims.mapping import load_mapping
from claims.read import read_file
from claims.settings import load_settings

README = (Path(__file__).parent.parent.parent / "README.md").read_text(encoding="utf-8")


def test_the_mapping_of_the_readme_maps_a_file(tmp_path: Path) -> None:
    block = re.search(r"```toml\n(.*?)```", README, re.DOTALL)
    assert block is not None
    (tmp_path / "map.toml").write_text(block.group(1), encoding="utf-8")
    theirs = tomllib.loads(block.group(1))["columns"]
    row = {
        "claim_id": "7", "claim_line_number": "1", "claim_line_start_date": "2026-01-05", "hcpcs_code": "64483",
        "denied": "D", "paid_date": "2026-02-01",
    }  # fmt: skip
    pl.DataFrame({theirs[k]: [v] for k, v in row.items()}).write_csv(tmp_path / "export.csv")
    mapping = load_mapping(tmp_path / "map.toml")
    batch = read_file(tmp_path / "export.csv", load_settings(tmp_path), mapping)
    assert batch.lines.height == 1
    assert batch.lines["submitted_date"].item().isoformat() == "2026-01-06"


def test_every_folder_that_is_linked_stands() -> None:
    root = Path(__file__).parent.parent.parent
    linked = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if not link.startswith("http")]
    assert linked and all((root / link).exists() for link in linked)
