"""What a claim is, how it gets in, and where it is kept."""

from claims.earlier import ChainIndex, chains
from claims.errors import DenialsError
from claims.final import final_lines
from claims.label import CATEGORIES, label_lines, load_classes
from claims.mapping import Mapping, load_mapping
from claims.match import match_outcomes
from claims.read import Batch, read_batches, read_bytes, read_claims, read_file, read_frame
from claims.settings import Settings, load_settings
from claims.snapshot import Snapshot, snapshot_of, take_snapshot
from claims.store import Added, Store

__all__ = [
    "CATEGORIES",
    "Added",
    "Batch",
    "ChainIndex",
    "DenialsError",
    "Mapping",
    "Settings",
    "Snapshot",
    "Store",
    "chains",
    "final_lines",
    "label_lines",
    "load_classes",
    "load_mapping",
    "load_settings",
    "match_outcomes",
    "read_batches",
    "read_bytes",
    "read_claims",
    "read_file",
    "read_frame",
    "snapshot_of",
    "take_snapshot",
]
