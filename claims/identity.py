"""Who and what a row is, without saying it: keyed hashes of members and patients, ids of submissions, rows and events.

All ids are 32 hex characters. The key lives in DENIALS_HOME/secret.key; without it, later rows of a patient no longer
meet the earlier ones.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from itertools import repeat
from pathlib import Path
from typing import Any, BinaryIO

from claims.cells import CellError
from claims.errors import UsageError
from claims.quantities import OLDEST_TOLD

ABSENT = "\0"  # a null in a hashed row; parsed text holds no control characters, so nothing else looks like it
SEPARATOR = "\x1f"
SHORTEST_PREFIX = 5  # characters of a member id below which a text may begin with it by chance


def secret_key(home: Path) -> bytes:
    """The site's key of 32 bytes, made on first use (mode 0600; two processes at once get the same one).

    Raises UsageError when the file holds something else.
    """
    path = home / "secret.key"
    if not path.exists():
        _make_key(path)
    return _read_key(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=16)
def _read_key(path: Path, written_at: int) -> bytes:
    """Kept until the file is written anew: a service needs it for every request."""
    written = path.read_text(encoding="ascii", errors="replace").strip()
    if not re.fullmatch(r"[0-9a-f]{64}", written):
        raise UsageError("secret.key does not hold 64 hexadecimal characters; restore it from a backup")
    return bytes.fromhex(written)


def _make_key(path: Path) -> None:
    """Written whole under another name, then linked: a reader never sees half a key, and the first writer wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_hex(32) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


class Keys:
    """Keyed hashes of one site; the key is read when the first member is met."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._key: bytes | None = None

    def member(self, member_id: str | None) -> str | None:
        """member_key of a normalised member id; None for none."""
        return self._hash(f"member{SEPARATOR}{_compact(member_id)}") if member_id else None

    def patient(self, member_id: str | None, birth: date | None) -> str | None:
        """patient_id of a member id and, where it is given, the date of birth; None without a member id."""
        if not member_id:
            return None
        return self._hash(f"patient{SEPARATOR}{_compact(member_id)}{SEPARATOR}{birth.isoformat() if birth else ''}")

    def claim(self, claim_id: str) -> str:
        """Key of a normalised claim_id (a patient control number), to join by where the id itself may not stand."""
        return self._hash(f"claim{SEPARATOR}{claim_id}")

    def _hash(self, message: str) -> str:
        if self._key is None:
            self._key = secret_key(self.home)
        return hmac.digest(self._key, message.encode(), "sha256").hex()[:32]


def _compact(member_id: str | None) -> str:
    """Dashes are how a card prints an id, not part of it."""
    return (member_id or "").replace("-", "")


def names_member(text: str | None, member_id: str | None) -> bool:
    """Whether a text is the member id, however it is written, or begins with it (a suffix tells the dependent)."""
    if not text or not member_id:
        return False
    told, member = ("".join(filter(str.isalnum, one)).upper() for one in (text, member_id))
    return told == member or (len(member) >= SHORTEST_PREFIX and told.startswith(member))


def age_on(birth: date, service: date) -> int:
    """Whole years on the day of service, 90 and over as 90. Raises CellError when the birth comes later."""
    if birth > service:
        raise CellError("lies after the day of service")
    years = service.year - birth.year - ((service.month, service.day) < (birth.month, birth.day))
    return min(years, OLDEST_TOLD)


def digest(parts: Iterable[str]) -> str:
    """32 hex characters over the parts in their order; parts hold no separator."""
    return hashlib.blake2b(SEPARATOR.join(parts).encode(), digest_size=16).hexdigest()


def submission_id(
    source_system: str,
    payer_id: str,
    billing_npi: str | None,
    claim_id: str,
    submitted: date | None,
    frequency: str | None,
    responsibility: str | None,
) -> str:
    """Id of one sending of a claim. Not given means the usual: frequency 1 (original), responsibility P (primary)."""
    sent = submitted.isoformat() if submitted else ""
    return digest(
        (
            "submission",
            source_system,
            payer_id,
            billing_npi or "",
            claim_id,
            sent,
            frequency or "1",
            responsibility or "P",
        )
    )


def row_digests(columns: Sequence[Sequence[Any] | None], count: int, kind: str) -> list[str]:
    """One id a row over columns of `count` values (a column that is None is all null); null is not ""."""
    written = [repeat(ABSENT, count) if column is None else _written(column) for column in columns]
    return [digest((kind, *row)) for row in zip(*written, strict=True)]


class _Written(dict[Any, str]):
    """Values of one column to their text, each made once."""

    def __missing__(self, value: Any) -> str:
        written = self[value] = str(value)
        return written


def _written(column: Sequence[Any]) -> Sequence[str]:
    """The column as text; one of text without nulls is that already."""
    if column and type(column[0]) is str and None not in column:
        return column
    known = _Written({None: ABSENT})
    return [known[value] for value in column]


def stream_digest(stream: BinaryIO) -> str:
    """`file_digest` of what a stream still gives."""
    found = hashlib.blake2b(digest_size=16)
    while content := stream.read(1 << 20):
        found.update(content)
    return found.hexdigest()


def file_digest(content: bytes, reading: str = "") -> str:
    """Id of a file's bytes, read as `reading` says (a mapping; "" for none)."""
    return hashlib.blake2b(content, digest_size=16, key=reading.encode()[:64]).hexdigest()
