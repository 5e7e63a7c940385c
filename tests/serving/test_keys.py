"""Keys: random, kept as hashes, read anew when they change; and who is let in with which."""

from __future__ import annotations

import base64
import json
import math
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from claims.errors import OutOfReachError, UsageError
from claims.settings import ServingSettings, Settings
from dashboard.app import create_app
from serving.keys import FILE, MOST, Ring, Role, add, check_address, keys_of, revoke
from serving.pace import Pace

Json = dict[str, Any]


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    """A site without model, with room for few requests at once."""
    return Settings(home=tmp_path, serving=ServingSettings(requests_per_second=1, requests_at_once=40))


def test_a_key_is_random_and_kept_as_a_hash(home: Settings) -> None:
    key, text = add(home, "score", "biller")
    other, more = add(home, "admin", "boss")
    assert re.fullmatch(r"den_[0-9a-f]{8}_[A-Za-z0-9_-]{43}", text) and text[13:] != more[13:]
    written = (home.home / FILE).read_text()
    assert text not in written and text[13:] not in written and key.digest in written
    assert (home.home / FILE).stat().st_mode & 0o777 == 0o600
    assert list(home.home.iterdir()) == [home.home / FILE]
    assert [(one.id, one.role) for one in keys_of(home.home / FILE)] == [(key.id, Role.score), (other.id, Role.admin)]


def test_names_are_told_apart(home: Settings) -> None:
    key, _ = add(home, "score", "biller")
    with pytest.raises(UsageError, match="revoke it first"):
        add(home, "manage", "biller")
    revoke(home, key.id)
    assert add(home, "manage", "biller")[0].role is Role.manage
    for name in ("", " ", "a\nb", "x" * 61, "\x1b[2J"):
        with pytest.raises(UsageError, match="named by"):
            add(home, "score", name)


def test_a_full_file_takes_no_more(home: Settings) -> None:
    add(home, "score", "first")
    told = json.loads((home.home / FILE).read_text())
    told["keys"] = [told["keys"][0] | {"id": f"{n:08x}", "name": str(n)} for n in range(MOST)]
    (home.home / FILE).write_text(json.dumps(told))
    with pytest.raises(UsageError, match="remove revoked"):
        add(home, "score", "one more")


def test_a_ring_notices_what_changes(home: Settings) -> None:
    ring = Ring(home)
    assert not ring.needed()
    key, text = add(home, "score", "biller")
    assert ring.needed() and ring.holder(text.encode()) == (0, key)
    wrong = text[:-1] + ("A" if text[-1] != "A" else "B")
    for other in (wrong, text[:-1], text + "A", text.upper(), "", "den_00000000_" + text[13:], key.digest):
        assert ring.holder(other.encode()) is None
    revoke(home, key.id)
    assert ring.needed() and ring.holder(text.encode()) is None
    with pytest.raises(UsageError, match="already"):
        revoke(home, key.id)
    with pytest.raises(UsageError, match="keys list"):
        revoke(home, "nothing")
    (home.home / FILE).unlink()
    assert ring.needed() and ring.holder(text.encode()) is None


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"keys": [{"id": "1"}]}', '{"keys": 5}'])
def test_a_damaged_file_lets_nobody_in(home: Settings, content: str) -> None:
    (home.home / FILE).write_text(content)
    with pytest.raises(OutOfReachError, match="restore it"):
        Ring(home).needed()
    with TestClient(create_app(home)) as client:
        answer = client.get("/v1/features")
        assert answer.status_code == 503 and "keys.json" in answer.json()["detail"]
        assert client.get("/health").status_code == 200


def test_beyond_loopback_keys_are_needed(home: Settings) -> None:
    for host in ("127.0.0.1", "::1", "localhost"):
        check_address(home, host)
    for host in ("0.0.0.0", "::", "10.0.0.5", "example.org"):
        with pytest.raises(UsageError, match="denials keys add"):
            check_address(home, host)
    key, _ = add(home, "score", "biller")
    check_address(home, "0.0.0.0")
    revoke(home, key.id)
    with pytest.raises(UsageError):
        check_address(home, "0.0.0.0")


def test_a_public_service_without_keys_serves_nobody(tmp_path: Path) -> None:
    """They may have been removed since it began."""
    settings = Settings(home=tmp_path, serving=ServingSettings(host="0.0.0.0"))
    with TestClient(create_app(settings)) as client:
        assert client.get("/v1/features").status_code == 401
        assert client.get("/health").status_code == 200


def test_a_bucket_of_tokens(tmp_path: Path) -> None:
    now = [1000.0]
    first, second = (Pace(tmp_path, 2, 3, lambda: now[0]) for _ in range(2))  # two processes
    assert [first.wait(0), second.wait(0), first.wait(0)] == [0, 0, 0]
    assert second.wait(0) == pytest.approx(0.5) and first.wait(1) == 0
    now[0] += 0.5
    assert first.wait(0) == 0 and second.wait(0) == pytest.approx(0.5)
    now[0] -= 500  # a clock that was set back
    assert first.wait(0) == pytest.approx(0.5)
    now[0] += 100
    assert [first.wait(0) == 0 for _ in range(4)] == [True, True, True, False]
    assert all(Pace(tmp_path, 0, 1).wait(0) == 0 for _ in range(9))


ADDRESSES = {
    ("GET", "/health"): None, ("GET", "/ready"): None, ("GET", "/metrics"): "score", ("GET", "/openapi.json"): "score",
    ("GET", "/v1/model"): "score", ("GET", "/v1/features"): "score", ("GET", "/v1/rules/NCCI"): "score",
    ("POST", "/v1/score"): "score", ("POST", "/v1/check"): "score", ("POST", "/v1/scores/1/decision"): "score",
    ("POST", "/v1/outcomes"): "manage", ("GET", "/"): "manage", ("GET", "/anything"): "manage",
    ("GET", "/v1/nothing"): "manage", ("DELETE", "/v1/score"): "score",
}  # fmt: skip


@pytest.fixture
def keys(home: Settings) -> dict[str, str]:
    """A key of each role, and one revoked."""
    made = {role.name: add(home, role.name, role.name)[1] for role in Role}
    key, made["revoked"] = add(home, "admin", "gone")
    revoke(home, key.id)
    return made


@pytest.fixture
def client(home: Settings, keys: dict[str, str]) -> Iterator[TestClient]:
    with TestClient(create_app(home), raise_server_exceptions=False) as client:
        yield client


def status(client: TestClient, method: str, path: str, key: str | None) -> int:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return int(client.request(method, path, headers=headers).status_code)


def test_who_may_do_what(client: TestClient, keys: dict[str, str]) -> None:
    for (method, path), needed in ADDRESSES.items():
        for shown in (None, "den_00000000_" + "a" * 43, keys["revoked"]):
            assert (status(client, method, path, shown) == 401) == (needed is not None), (method, path)
        for role in Role:
            told = status(client, method, path, keys[role.name])
            assert (told == 403) == (needed is not None and role < Role[needed]), (method, path, role)
            assert told != 401


@pytest.mark.parametrize("path", ["/v1/outcomes%0A", "/v1/outcomes%0D", "/%0A", "/v1/score%0A", "/v1/rules/A%00"])
def test_an_address_with_a_control_character_is_none(client: TestClient, keys: dict[str, str], path: str) -> None:
    for role in Role:
        assert status(client, "POST", path, keys[role.name]) == 404


def test_a_pace_that_cannot_be_kept_is_told(home: Settings, client: TestClient, keys: dict[str, str]) -> None:
    (home.home / "keys.pace").mkdir()
    answer = client.get("/v1/features", headers={"authorization": f"Bearer {keys['score']}"})
    assert answer.status_code == 503 and answer.headers["x-request-id"] and "keys.pace" in answer.json()["detail"]


def test_strangers_are_not_told_where_things_lie(home: Settings, keys: dict[str, str]) -> None:
    (home.home / "score_log.db").mkdir()
    with TestClient(create_app(home)) as client:
        until = time.monotonic() + 120
        while not (told := client.get("/ready").json()["score_log"])["trouble"] and time.monotonic() < until:
            time.sleep(0.1)
    assert told["reachable"] is False and str(home.home) not in str(told) and told["trouble"]


def test_refusals_are_problems_that_say_what_to_do(client: TestClient, keys: dict[str, str]) -> None:
    refused = client.get("/v1/features")
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["www-authenticate"].startswith("Bearer ") and "keys add" in refused.json()["detail"]
    page = client.get("/")
    assert page.headers["www-authenticate"].startswith("Basic ")
    small = client.post("/v1/outcomes", headers={"authorization": f"Bearer {keys['score']}"})
    assert small.status_code == 403 and "manage" in small.json()["detail"]
    assert not [key for key in keys.values() if key in refused.text + page.text + small.text]


def test_a_browser_shows_the_key_as_its_password_and_only_to_read(client: TestClient, keys: dict[str, str]) -> None:
    def basic(word: str) -> dict[str, str]:
        return {"authorization": "Basic " + base64.b64encode(f"me:{word}".encode()).decode()}

    assert client.get("/", headers=basic(keys["manage"])).status_code == 200
    assert client.get("/", headers=basic(keys["score"])).status_code == 403
    for wrong in (basic("x"), {"authorization": "Basic ???"}, {"authorization": "Digest x"}, {"authorization": ""}):
        assert client.get("/", headers=wrong).status_code == 401
    assert client.post("/v1/score", headers=basic(keys["admin"])).status_code == 401
    assert client.get("/v1/features", params={"key": keys["admin"]}).status_code == 401


def test_with_keys_any_name_of_the_host_will_do(client: TestClient, keys: dict[str, str]) -> None:
    headers = {"host": "denials.example", "authorization": f"Bearer {keys['score']}"}
    assert client.get("/v1/features", headers=headers).status_code == 200


def test_who_asks_too_often_waits_and_others_do_not(client: TestClient, keys: dict[str, str]) -> None:
    answers = [client.get("/v1/scores/x", headers={"authorization": f"Bearer {keys['score']}"}) for _ in range(60)]
    late = [answer for answer in answers if answer.status_code == 429]
    assert 0 < len(late) <= 20 and [answer.status_code for answer in answers[:40]] == [404] * 40
    assert 1 <= int(late[0].headers["retry-after"]) <= math.ceil(1)
    assert status(client, "GET", "/v1/features", keys["admin"]) == 200
    assert client.get("/health").status_code == 200


def test_keys_added_and_revoked_while_it_serves(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    with TestClient(create_app(settings)) as client:
        assert client.get("/v1/features").status_code == 200
        key, text = add(settings, "score", "biller")
        os.utime(tmp_path / FILE, ns=(1, 1))
        assert status(client, "GET", "/v1/features", None) == 401
        assert status(client, "GET", "/v1/features", text) == 200
        revoke(settings, key.id)
        assert status(client, "GET", "/v1/features", text) == 401
