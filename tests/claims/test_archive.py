"""Folders, gzip and zip: every file is found, and a trap, a password or a damage is that member's own."""

import gzip
import io
import os
import threading
import zipfile

import pytest

from claims.archive import ALWAYS, entries_of, file_entry, found
from claims.errors import UnreadableFileError
from claims.settings import IngestSettings

LIMITS = IngestSettings()


def _zip(path, members, kind=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def _read(path, limits=LIMITS):
    """name -> content, or the words of its refusal."""
    told = {}
    for entry in entries_of(path, path.name, limits):
        try:
            with entry.open() as stream:
                told[entry.name] = stream.read()
        except UnreadableFileError as error:
            told[entry.name] = str(error)
    return told


def test_every_file_of_a_folder_but_the_hidden_ones(tmp_path):
    for name in ("b.835", "a/c.txt", "a/.hidden", ".git/x", "__MACOSX/y", "noending"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    assert [name for _, name in found([tmp_path])] == ["a/c.txt", "b.835", "noending"]
    assert [name for _, name in found([tmp_path / "b.835", tmp_path / "a"])] == ["b.835", "c.txt"]
    (tmp_path / "empty").mkdir()
    for missing in ("empty", "nowhere"):
        with pytest.raises(UnreadableFileError, match=missing):
            found([tmp_path / missing])


def test_what_is_packed_comes_unpacked_whatever_its_name(tmp_path):
    (tmp_path / "claims.837").write_bytes(gzip.compress(b"ISA one"))
    assert _read(tmp_path / "claims.837") == {"claims.837": b"ISA one"}
    inner = {"a/x.835": b"two", "._x": b"", "y.gz": gzip.compress(b"three"), "__MACOSX/z": b"", "none/": b""}
    _zip(tmp_path / "all.bin", inner)
    assert _read(tmp_path / "all.bin") == {"all.bin/a/x.835": b"two", "all.bin/y.gz": b"three"}
    (tmp_path / "plain").write_bytes(b"")
    assert _read(tmp_path / "plain") == {"plain": b""}


def test_an_entry_opens_again_and_counts_what_it_gave(tmp_path):
    (tmp_path / "x").write_bytes(gzip.compress(b"0123456789"))
    entry = file_entry(tmp_path / "x", "x", LIMITS)
    for _ in range(2):
        with entry.open() as stream:
            assert stream.peek(3)[:3] == b"012" and stream.read() == b"0123456789" and entry.position == 10
            stream.seek(0)
            assert stream.tell() == 0 and stream.read() == b"0123456789" and entry.position == 10


def test_a_workbook_is_no_archive_and_a_zip_in_a_zip_stays_one(tmp_path):
    book = _zip(tmp_path / "book.xlsx", {"[Content_Types].xml": "x", "xl/sheet.xml": "y"})
    assert _read(book) == {"book.xlsx": book.read_bytes()}
    outer = _zip(tmp_path / "outer.zip", {"book.zip": book.read_bytes()})
    assert _read(outer) == {"outer.zip/book.zip": book.read_bytes()}


def test_a_bomb_is_refused_and_its_neighbours_are_read(tmp_path):
    bomb = b"0" * (ALWAYS + 1)
    path = _zip(tmp_path / "a.zip", {"one": b"good", "bomb": bomb, "two.gz": gzip.compress(bomb), "last": b"good"})
    told = _read(path)
    assert told["a.zip/one"] == told["a.zip/last"] == b"good"
    for name in ("bomb", "two.gz"):
        assert f"a.zip/{name} unpacks to more than the site allows" in told[f"a.zip/{name}"]
    (tmp_path / "b.gz").write_bytes(gzip.compress(bomb))
    assert "b.gz unpacks to more" in _read(tmp_path / "b.gz")["b.gz"]
    assert _read(tmp_path / "b.gz", IngestSettings(max_ratio=2000)) == {"b.gz": bomb}


def test_a_bomb_is_refused_before_more_than_its_limit_is_unpacked(tmp_path):
    (tmp_path / "b.gz").write_bytes(gzip.compress(b"0" * (20 * ALWAYS)))
    entry = file_entry(tmp_path / "b.gz", "b.gz", LIMITS)
    with entry.open() as stream, pytest.raises(UnreadableFileError):
        stream.read()
    assert entry.position <= 250 * (tmp_path / "b.gz").stat().st_size + 65_536 < 6 * ALWAYS


def test_all_members_together_have_a_limit(tmp_path):
    path = _zip(tmp_path / "a.zip", {str(i): os.urandom(1000) for i in range(5)})
    told = _read(path, IngestSettings(max_unpacked_bytes=3000))
    assert [type(answer) for answer in told.values()] == [bytes] * 3 + [str] * 2


def test_a_password_and_an_unusual_packing_are_told_for_their_members(tmp_path):
    path = _zip(tmp_path / "a.zip", {"open": b"good", "secret": b"bad"})
    with zipfile.ZipFile(path, "a", zipfile.ZIP_LZMA) as archive:
        archive.writestr("lzma", b"x")
    content = bytearray(path.read_bytes())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.index(mark, content.index(mark) + 1)
        content[at + flags] |= 1
    path.write_bytes(content)
    told = _read(path)
    assert told["a.zip/open"] == b"good"
    assert "a.zip/secret is protected by a password" in told["a.zip/secret"]
    assert "packed in a way that is not read" in told["a.zip/lzma"]


def test_damage_is_told(tmp_path):
    packed = gzip.compress(os.urandom(5000))
    (tmp_path / "cut.gz").write_bytes(packed[:3000])
    (tmp_path / "crc.gz").write_bytes(packed[:-8] + b"\0" * 8)
    whole = _zip(tmp_path / "a.zip", {"one": b"good", "two": os.urandom(5000)}).read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[:2000])
    at = whole.index(b"two") + 2000
    (tmp_path / "flip.zip").write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    for name in ("cut.gz", "crc.gz", "cut.zip"):
        assert _read(tmp_path / name) == {name: f"{name} is damaged or cut short; fetch it anew"}
    assert _read(tmp_path / "flip.zip") == {
        "flip.zip/one": b"good",
        "flip.zip/two": "flip.zip/two is damaged or cut short; fetch it anew",
    }
    _zip(tmp_path / "none.zip", {".hidden": b""})
    assert _read(tmp_path / "none.zip") == {"none.zip": "none.zip holds no file to read"}


def test_a_pipe_is_read_once(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(b"abc",))
    writer.start()
    entry = file_entry(path, "pipe", LIMITS)
    writer.join()
    for _ in range(2):
        with entry.open() as stream:
            assert isinstance(stream, io.BufferedReader) and stream.read() == b"abc"


def test_a_name_cannot_write_to_the_terminal(tmp_path):
    path = _zip(tmp_path / "a.zip", {"a\x1b[2Jb": b"x"})
    assert list(_read(path)) == ["a.zip/a?[2Jb"]
