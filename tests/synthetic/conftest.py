"""Worlds that the tests of this folder share: generated once a session."""

from __future__ import annotations

import pytest

from data.synthetic import Generated, generate, load_world


@pytest.fixture(scope="session")
def small() -> Generated:
    """4,000 claims of the small world."""
    return generate(load_world("small"), 4000, seed=7)


@pytest.fixture(scope="session")
def reference() -> Generated:
    """60,000 claims of the reference world with its own seed: what the difficulty is pinned on."""
    return generate(load_world("base"), 60_000)
