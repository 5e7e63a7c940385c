"""Keys of the service: who may ask it for what. They stand hashed in DENIALS_HOME/keys.json (mode 0600).

A key is 256 random bits, so that SHA-256 of it cannot be guessed back: a slow hash is for what people choose. Its id is
no secret: it stands in the log. A revoked key stays in the file, so that nobody takes its id again.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date
from enum import IntEnum
from pathlib import Path

from claims.errors import OutOfReachError, UsageError
from claims.settings import Settings

FILE = "keys.json"
MOST = 512
SHAPE = re.compile(rb"den_([0-9a-f]{8})_[A-Za-z0-9_-]{43}")
NAME = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,60}")
NOBODY = "0" * 64  # the digest of no key
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Role(IntEnum):
    """Each may what those below it may."""

    score = 1
    manage = 2
    admin = 3


@dataclass(frozen=True)
class Key:
    """What is kept of a key. id: eight hex digits; digest: SHA-256 of the whole key, in hex."""

    id: str
    name: str
    role: Role
    digest: str
    added: date
    revoked: date | None = None


def keys_of(path: Path) -> list[Key]:
    """The keys of a file, revoked ones too; [] where there is none. OutOfReachError when it cannot be read."""
    try:
        return [_key(told) for told in json.loads(path.read_bytes())["keys"]]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise OutOfReachError(f"{FILE} cannot be read ({error.strerror}); make it readable to the service") from None
    except (ValueError, KeyError, TypeError):
        raise OutOfReachError(f"{FILE} holds no keys of the service; restore it, or remove it and add keys") from None


def add(settings: Settings, role: str, name: str) -> tuple[Key, str]:
    """A new key, and its text, which is kept nowhere. UsageError for a name that is taken or no line of text."""
    if not NAME.fullmatch(name) or not name.strip():
        raise UsageError("a key is named by 1 to 60 characters, such as the software that will use it")
    with _changing(settings.home / FILE) as keys:
        if any(key.name == name and not key.revoked for key in keys):
            raise UsageError(f"there is a key named {name} already; revoke it first, or choose another name")
        if len(keys) >= MOST:
            raise UsageError(f"{FILE} holds {MOST} keys; remove revoked ones from it")
        taken = {key.id for key in keys}
        while (new := secrets.token_hex(4)) in taken:
            pass
        text = f"den_{new}_{secrets.token_urlsafe(32)}"
        keys.append(Key(new, name, Role[role], _digest(text.encode()), settings.today()))
        return keys[-1], text


def revoke(settings: Settings, key_id: str) -> Key:
    """No longer valid from now on. UsageError when no key has this id, or it is revoked already."""
    with _changing(settings.home / FILE) as keys:
        for at, key in enumerate(keys):
            if key.id == key_id and key.revoked:
                raise UsageError(f"key {key_id} is revoked already")
            if key.id == key_id:
                keys[at] = replace(key, revoked=settings.today())
                return keys[at]
    raise UsageError("no key has this id; denials keys list shows them all")


class Ring:
    """The keys of a running service, read anew when the file changes.

    Once there were keys they stay needed, also when the file is gone: nobody opens a service by removing it.
    """

    def __init__(self, settings: Settings, needed: bool = False) -> None:
        """needed: nobody is let in without a key, whether or not there is one."""
        self._path = settings.home / FILE
        self._needed = needed
        self._stamp: tuple[int, ...] | None = None
        self._places: dict[str, tuple[int, Key]] = {}

    def needed(self) -> bool:
        """Whether a key must be shown. OutOfReachError as long as the file cannot be read."""
        self._renew()
        return self._needed

    def holder(self, text: bytes) -> tuple[int, Key] | None:
        """The place in the file and the key that a text is, unless it is revoked; compared in constant time."""
        self._renew()
        shape = SHAPE.fullmatch(text)
        place = self._places.get(shape[1].decode()) if shape else None
        same = hmac.compare_digest(_digest(text), place[1].digest if place else NOBODY)
        return place if same and place and not place[1].revoked else None

    def _renew(self) -> None:
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return
        keys = keys_of(self._path)
        self._places = {key.id: (place, key) for place, key in enumerate(keys)}
        self._needed = self._needed or bool(keys)
        self._stamp = stamp


def _key(told: dict[str, str]) -> Key:
    revoked = told["revoked"] and date.fromisoformat(told["revoked"])
    role, added = Role[told["role"]], date.fromisoformat(told["added"])
    if not re.fullmatch("[0-9a-f]{64}", told["digest"]):
        raise ValueError("no digest")
    return Key(told["id"], told["name"], role, told["digest"], added, revoked or None)


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def _stamp(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise OutOfReachError(f"{FILE} cannot be read ({error.strerror}); make it readable to the service") from None
    return found.st_mtime_ns, found.st_ino, found.st_size


@contextmanager
def _changing(path: Path) -> Iterator[list[Key]]:
    """The keys, to be changed: written whole under another name, then renamed; one change at a time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    home = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(home, fcntl.LOCK_EX)
        keys = keys_of(path)
        yield keys
        told = [asdict(key) | {"role": key.role.name} for key in keys]
        draft = path.with_name(f"{FILE}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump({"keys": told}, file, indent=1, default=date.isoformat)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    finally:
        os.close(home)


def check_address(settings: Settings, host: str) -> None:
    """UsageError for an address beyond loopback as long as no key is valid."""
    if host not in LOOPBACK and not any(not key.revoked for key in keys_of(settings.home / FILE)):
        raise UsageError(
            f"without keys the service listens on loopback only, not on {host}; "
            "make one with: denials keys add --role score --name NAME"
        )
