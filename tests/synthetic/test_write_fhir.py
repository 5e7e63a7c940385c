"""The FHIR that a world writes: references that resolve, nothing empty, every submission and every answer once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from data.synthetic import Generated, generate, load_world

Json = dict[str, Any]


@pytest.fixture(scope="module")
def made() -> Generated:
    return generate(load_world("base"), 800, seed=5)


@pytest.fixture(scope="module")
def folder(made: Generated, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fhir")
    made.write(folder, "fhir")
    return folder


@pytest.fixture(scope="module")
def bundle(folder: Path) -> list[Json]:
    return list(json.loads((folder / "bundle.json").read_text())["entry"])


def lines_of(folder: Path, name: str) -> list[Json]:
    return [json.loads(line) for line in (folder / f"{name}.ndjson").read_text().splitlines()]


def parts(node: Any) -> Iterator[Any]:
    """Everything within, itself included."""
    yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from parts(inner)


def references(resource: Json) -> set[str]:
    return {
        part["reference"]
        for part in parts(resource)
        if isinstance(part, dict) and isinstance(part.get("reference"), str)
    }


def test_contained_resources_are_referred_to_and_every_reference_resolves(folder: Path) -> None:
    for resource in [*lines_of(folder, "claims"), *lines_of(folder, "remittances")]:
        assert {f"#{one['id']}" for one in resource["contained"]} == references(resource)


def test_a_bundle_holds_the_parties_as_resources_of_their_own(bundle: list[Json]) -> None:
    there = [entry["fullUrl"] for entry in bundle]
    assert len(set(there)) == len(there) > 20
    assert set().union(*(references(entry["resource"]) for entry in bundle)) <= set(there)
    assert not any("contained" in entry["resource"] for entry in bundle)


def test_nothing_is_empty(folder: Path, bundle: list[Json]) -> None:
    for resource in [*bundle, *lines_of(folder, "claims"), *lines_of(folder, "remittances")]:
        assert not [part for part in parts(resource) if part is None or part in ("", [], {})]


def test_every_line_and_every_outcome_is_one_item(made: Generated, folder: Path, bundle: list[Json]) -> None:
    told = [entry["resource"] for entry in bundle] + lines_of(folder, "claims") + lines_of(folder, "remittances")
    items = pl.DataFrame(
        [(one["resourceType"], one["status"], len(one["item"])) for one in told if "item" in one],
        schema=["kind", "status", "items"], orient="row",
    )  # fmt: skip
    claims, answers = items.filter(kind="Claim"), items.filter(pl.col("kind") != "Claim")
    submissions = ["claim_id", "payer_id", "submitted_date"]
    assert claims["items"].sum() == made.lines.height and claims.height == made.lines.n_unique(submissions)
    assert answers["items"].sum() == made.outcomes.height
    assert set(answers["kind"]) == {"ClaimResponse", "ExplanationOfBenefit"}
    taken_back = made.outcomes.filter(claim_status_code="22")
    assert answers.filter(status="cancelled")["items"].sum() == taken_back.height > 0
