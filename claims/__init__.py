"""What a claim is, how it gets in, and where it is kept."""

from claims.errors import DenialsError
from claims.mapping import Mapping, load_mapping
from claims.read import Batch, read_claims, read_file, read_frame
from claims.settings import Settings, load_settings
from claims.store import Added, Store

__all__ = [
    "Added",
    "Batch",
    "DenialsError",
    "Mapping",
    "Settings",
    "Store",
    "load_mapping",
    "load_settings",
    "read_claims",
    "read_file",
    "read_frame",
]
