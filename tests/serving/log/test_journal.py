"""Journals and spools by themselves: frames, one sync for many, torn and damaged segments, a full disk, adoption."""

from __future__ import annotations

import os
import random
import resource
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from claims.errors import JournalError, OutOfReachError
from serving.journal import HEAD, Journal, framed, frames_of
from serving.spool import Spool

PAYLOADS = [bytes([65 + number]) * (number * 37 % 211) for number in range(24)]  # one of them is empty
CONTENT = b"".join(framed(payload, number) for number, payload in enumerate(PAYLOADS))


def payloads_of(content: bytes) -> list[bytes]:
    return [frame.payload for frame in frames_of(content)[0]]


def test_frames_come_back_as_they_were_given() -> None:
    frames, lost = frames_of(CONTENT)
    assert [frame.payload for frame in frames] == PAYLOADS and lost == 0
    assert [frame.records for frame in frames] == list(range(len(PAYLOADS)))
    assert frames_of(b"") == ([], 0)


def test_a_torn_tail_costs_nothing_but_itself() -> None:
    ends = [0]
    for payload in PAYLOADS:
        ends.append(ends[-1] + HEAD.size + len(payload))
    for cut in range(len(CONTENT)):
        whole = sum(end <= cut for end in ends) - 1
        frames, lost = frames_of(CONTENT[:cut])
        assert [frame.payload for frame in frames] == PAYLOADS[:whole] and lost == cut - ends[whole]


@pytest.mark.parametrize("seed", range(5))
def test_damage_in_the_middle_costs_only_the_frames_that_it_hits(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(200):
        damaged = bytearray(CONTENT)
        begin = chance.randrange(len(damaged))
        end = min(len(damaged), begin + chance.choice((1, 3, 40, 400)))
        damaged[begin:end] = chance.randbytes(chance.choice((0, end - begin, end - begin, 2 * (end - begin))))
        found, hit, at = payloads_of(bytes(damaged)), [], 0
        for payload in PAYLOADS:
            size = HEAD.size + len(payload)
            hit += [payload] if at < end and begin < at + size else []
            at += size
        assert [p for p in PAYLOADS if p not in hit] == [p for p in found if p not in hit]
        assert set(found) <= set(PAYLOADS)


def test_random_bytes_hold_no_frames() -> None:
    chance = random.Random(1)
    for _ in range(300):
        content = chance.randbytes(chance.randrange(3_000))
        assert frames_of(content) == ([], len(content))


def test_threads_share_a_sync_and_wait_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal, synced, plain = Journal(tmp_path), [b""], os.fdatasync

    def watched(file: int) -> None:
        until = time.monotonic() + 120
        while len(synced) == 1 and len(journal._group.frames) < 15 and time.monotonic() < until:
            time.sleep(0.001)  # the first of the 16 is on its way until the others have come
        content = b"".join(path.read_bytes() for path in sorted(tmp_path.glob("*")))
        plain(file)
        synced.append(content)

    monkeypatch.setattr("serving.journal.os.fdatasync", watched)

    def append(number: int) -> bool:
        payload = f"[{number}]".encode()
        journal.append(payload)
        return payload in synced[-1]

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(append, range(16)))
    assert [len(frames_of(content)[0]) for content in synced] == [0, 1, 16]
    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(append, range(16, 400)))
    held = journal.held()
    assert held and held.records == 400 and held.bytes == sum(p.stat().st_size for p in tmp_path.glob("*"))
    assert sorted(payloads_of(synced[-1])) == sorted(f"[{number}]".encode() for number in range(400))


def test_a_full_disk_is_told_and_what_was_acknowledged_stays(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(b"before")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, hard))
    try:
        with pytest.raises(JournalError, match="make room"):
            journal.append(b"x" * 5_000)
        journal.append(b"little")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    journal.append(b"after")
    segments = journal.close_segment()
    content = b"".join(path.read_bytes() for path in segments)
    assert frames_of(content)[1] == 0 and payloads_of(content) == [b"before", b"little", b"after"]


# The spool ----------------------------------------------------------------------------------------------------------


class Receiver:
    """Keeps what arrives; refuses some of it for good, or everything for now."""

    def __init__(self) -> None:
        self.got: list[bytes] = []
        self.away = False
        self.refused: bytes | None = None

    def __call__(self, payloads: Sequence[bytes]) -> None:
        if self.away:
            raise OutOfReachError("away")
        if self.refused in payloads:
            raise ValueError(f"content that nobody may log: {payloads!r}")
        self.got += payloads


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def spool(tmp_path: Path, receiver: Receiver) -> Iterator[Spool]:
    made = Spool(tmp_path / "spool", receiver, 3600, 1 << 30)
    yield made
    made.close()


def left_behind(folder: Path, content: bytes, name: str = "4194304-dead") -> Path:
    """The journal of a process that is no more."""
    place = folder / name
    place.mkdir(parents=True)
    (place / "lock").touch()
    (place / "0000000000.segment").write_bytes(content)
    return place


def test_a_torn_and_a_damaged_journal_do_not_stop_the_start(
    spool: Spool, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    torn, damaged = CONTENT[:-3], CONTENT[:40] + b"?" + CONTENT[41:]
    places = [left_behind(spool.folder, torn, "1-torn"), left_behind(spool.folder, damaged, "2-damaged")]
    places += [left_behind(spool.folder, b"", "3-empty"), left_behind(spool.folder, b"no journal", "4-other")]
    spool.append(b"mine")
    spool.drain()
    assert receiver.got[: len(PAYLOADS) - 1] == PAYLOADS[:-1]
    assert receiver.got[-1] == b"mine" and set(receiver.got) == {*PAYLOADS, b"mine"}
    assert not any(place.exists() for place in places)
    assert spool.waiting().damaged == 3 and spool.waiting().records == 0
    assert len([record for record in caplog.records if "cut short or damaged" in record.getMessage()]) == 3
    kept = {path.read_bytes() for path in (spool.folder / "damaged").iterdir()}
    assert kept == {torn, damaged, b"no journal"}


def test_what_is_refused_for_good_is_set_aside_and_keeps_nothing_back(
    spool: Spool, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.refused = b"bad"
    for payload in (b"one", b"bad", b"two"):
        spool.append(payload)
    spool.drain()
    assert receiver.got == [b"one", b"two"]
    assert spool.waiting().damaged == 1 and "content" not in caplog.text
    (aside,) = (spool.folder / "damaged").iterdir()
    assert payloads_of(aside.read_bytes()) == [b"bad"]


def test_what_waits_is_told_found_and_delivered_in_order(spool: Spool, receiver: Receiver) -> None:
    receiver.away = True
    spool.append(b"one", records=3)
    with pytest.raises(OutOfReachError):
        spool.drain()
    spool.append(b"two")
    waiting = spool.waiting()
    assert (waiting.records, waiting.trouble, waiting.damaged) == (4, "away", 0) and waiting.since
    assert list(spool.find(b"o")) == [b"one", b"two"] and list(spool.find(b"wo")) == [b"two"]
    receiver.away = False
    spool.drain()
    spool.drain()
    assert receiver.got == [b"one", b"two"] and list(spool.find(b"o")) == []
    assert spool.waiting().records == 0 and spool.waiting().trouble is None


def test_the_journal_of_a_living_process_is_left_alone(tmp_path: Path, spool: Spool, receiver: Receiver) -> None:
    other = Receiver()
    neighbour = Spool(spool.folder, other, 3600, 1 << 30)
    neighbour.append(b"theirs")
    spool.append(b"mine")
    spool.drain()
    assert receiver.got == [b"mine"] and list(spool.find(b"theirs")) == [b"theirs"]
    other.away = True
    neighbour.close()  # ends, and leaves what it could not deliver
    with pytest.raises(JournalError):
        neighbour.append(b"too late")
    spool.drain()
    assert receiver.got == [b"mine", b"theirs"]
    assert len(list(spool.folder.iterdir())) == 1


@pytest.mark.parametrize("shut", ["lock", "0000000001.segment"])
def test_a_journal_that_cannot_be_opened_keeps_nothing_back(
    spool: Spool, receiver: Receiver, caplog: pytest.LogCaptureFixture, shut: str
) -> None:
    place = left_behind(spool.folder, framed(b"shut in", 1))
    left_behind(spool.folder, framed(b"left", 1), "4194305-dead")
    (place / shut).unlink(missing_ok=True)
    (place / shut).mkdir()
    for payload in (b"first", b"second"):
        spool.append(payload)
        spool.drain()
        assert spool.waiting().reached and "4194304-dead cannot be opened" in str(spool.waiting().trouble)
    assert receiver.got == [b"left", b"first", b"second"]
    assert sum("cannot be opened" in line for line in caplog.messages) == 1
    assert list(spool.find(b"nothing")) == []
    (place / shut).rmdir()
    spool.drain()
    assert receiver.got[3:] == [b"shut in"] and spool.waiting().trouble is None


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, receiver: Receiver) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(JournalError, match="no journal can be kept"):
        Spool(tmp_path / "file", receiver, 3600, 1 << 30)


def test_delivery_goes_on_by_itself(tmp_path: Path) -> None:
    arrived = threading.Event()

    def deliver(payloads: Sequence[bytes]) -> None:
        if b"one" in payloads:
            arrived.set()

    spool = Spool(tmp_path, deliver, 0.01, 1 << 30)
    spool.append(b"one")
    assert arrived.wait(60)
    spool.close()
