"""A value made of arrays, dicts and dataclasses as two plain files, whose arrays are mapped into memory when read.

Processes that map the same file share its pages. arrays.bin holds the arrays one after the other, plan.json what they
belong to; both are checked by SHA-256 before anything is taken from them. No code is stored: classes come from a list
that the reader gives. Arrays that were read cannot be written to.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

ARRAYS, PLAN = "arrays.bin", "plan.json"
ALIGNED = 64  # bytes
OWN = 0o600  # nobody else reads them
Plan = dict[str, Any]


class DamagedError(Exception):
    """The files are not what was written: whoever reads them makes the value anew."""


def pack(value: Any, folder: Path, about: Mapping[str, Any]) -> None:
    """Write a value into a folder. about: what it was made from, as JSON has it.

    A value: a dataclass whose fields are values, a dict of them by text, a dict of numbers of one type by text (or
    None), an array, a text, a number, None. TypeError for anything else.
    """
    with open(folder / ARRAYS, "wb", opener=_private) as out:
        arrays = _Arrays(out)
        plan = _planned(value, arrays)
        out.flush()
        os.fsync(out.fileno())
    told = json.dumps({"about": dict(about), "sha256": arrays.sha256.hexdigest(), "value": plan}).encode()
    with open(folder / PLAN, "wb", opener=_private) as out:
        out.write(hashlib.sha256(told).hexdigest().encode() + b"\n" + told)
        out.flush()
        os.fsync(out.fileno())


def about(folder: Path) -> Any:
    """What the value of a folder was made from. DamagedError where that cannot be told."""
    return _plan(folder)["about"]


def unpack(folder: Path, classes: Iterable[type]) -> Any:
    """The value of a folder. DamagedError when its files are damaged or hold other classes than these."""
    plan = _plan(folder)
    known = {one.__name__: one for one in classes}
    try:
        with open(folder / ARRAYS, "rb") as file:
            mapped = _mapped(file)
        if hashlib.sha256(mapped).hexdigest() != plan["sha256"]:
            raise DamagedError(f"{ARRAYS} is truncated or changed")
        return _made(plan["value"], mapped, known)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedError(f"{ARRAYS} and {PLAN} do not belong together") from error


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, OWN)


def _plan(folder: Path) -> Plan:
    try:
        digest, _, told = (folder / PLAN).read_bytes().partition(b"\n")
    except OSError as error:
        raise DamagedError(f"{PLAN} cannot be read") from error
    if hashlib.sha256(told).hexdigest().encode() != digest:
        raise DamagedError(f"{PLAN} is truncated or changed")
    plan: Plan = json.loads(told)
    return plan


def _mapped(file: IO[bytes]) -> memoryview:
    if not os.fstat(file.fileno()).st_size:  # nothing of length nought can be mapped
        return memoryview(b"")
    return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


class _Arrays:
    """Arrays as they are appended to a file."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._size = 0
        self.sha256 = hashlib.sha256()

    def add(self, array: np.ndarray) -> Plan:
        """Append one; where it stands."""
        told = np.ascontiguousarray(array)
        plan = {"at": self._size, "dtype": told.dtype.str, "shape": list(array.shape)}
        content = told.tobytes()
        for part in (content, bytes(-len(content) % ALIGNED)):
            self._out.write(part)
            self.sha256.update(part)
            self._size += len(part)
        return plan


def _planned(value: Any, arrays: _Arrays) -> Plan:
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return {"array": arrays.add(value)}
    if is_dataclass(value) and not isinstance(value, type):
        parts = {field.name: _planned(getattr(value, field.name), arrays) for field in fields(value)}
        return {"class": type(value).__name__, "fields": parts}
    if isinstance(value, dict):
        return _planned_dict(value, arrays)
    if value is None or isinstance(value, str | bool | int | float):
        return {"plain": value}
    raise TypeError(f"{type(value).__name__} cannot be packed")


def _planned_dict(value: dict[Any, Any], arrays: _Arrays) -> Plan:
    kinds = {type(one) for one in value.values()}
    if kinds in ({int}, {float}):
        numbers = np.array(list(value.values()), np.int64 if kinds == {int} else np.float64)
        return {"texts": list(value), "numbers": arrays.add(numbers)}
    return {"dict": {str(name): _planned(one, arrays) for name, one in value.items()}}


def _made(plan: Plan, mapped: memoryview, classes: Mapping[str, Callable[..., Any]]) -> Any:
    if "array" in plan:
        return _array(plan["array"], mapped)
    if "class" in plan:
        return classes[plan["class"]](**{name: _made(one, mapped, classes) for name, one in plan["fields"].items()})
    if "texts" in plan:
        return dict(zip(plan["texts"], _array(plan["numbers"], mapped).tolist(), strict=True))
    if "dict" in plan:
        return {name: _made(one, mapped, classes) for name, one in plan["dict"].items()}
    return plan["plain"]


def _array(plan: Plan, mapped: memoryview) -> np.ndarray:
    shape = tuple(plan["shape"])
    count = int(np.prod(shape, dtype=np.int64))
    return np.frombuffer(mapped, np.dtype(plan["dtype"]), count, plan["at"] if count else 0).reshape(shape)
