"""Lets every test import the small helper that turns tables drawn in text into frames (tests/spec/ascii_table.py)."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "spec"))
