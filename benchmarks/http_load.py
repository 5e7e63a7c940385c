"""A client that costs little: blocking sockets that stay open, one a thread, so that the server is what is measured."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np


class Connection:
    """One connection to 127.0.0.1."""

    def __init__(self, port: int) -> None:
        self._place = socket.create_connection(("127.0.0.1", port), 120)
        self._place.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> int:
        """The status of the answer, all of which was read."""
        self._place.sendall(request)
        told = b""
        while (end := told.find(b"\r\n\r\n")) < 0:
            told += self._part()
        head = told[:end].lower()
        left = int(head.split(b"content-length:")[1].split(b"\r\n")[0]) - (len(told) - end - 4)
        while left > 0:
            left -= len(self._part())
        return int(head.split(b" ", 2)[1])

    def close(self) -> None:
        """At the end."""
        self._place.close()

    def _part(self) -> bytes:
        if part := self._place.recv(262_144):
            return part
        raise ConnectionError("the server closed the connection")


def request_of(path: str, body: bytes) -> bytes:
    """A POST of JSON."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


@dataclass
class Load:
    """What clients met. waited: (requests,) seconds, from when a request was due."""

    seconds: float
    waited: list[float] = field(default_factory=list)
    wrong: int = 0

    @property
    def rate(self) -> float:
        """Requests a second that were answered well."""
        return len(self.waited) / self.seconds

    def quantile(self, share: float) -> float:
        """Seconds within which this share was answered."""
        return float(np.quantile(self.waited, share))


def load(port: int, requests: Sequence[bytes], clients: int, seconds: float, rate: float | None = None) -> Load:
    """Ask from so many connections at once for some seconds; rate: requests a second of all, else as fast as it goes.

    With a rate each client has a timetable and is late when the server is: what waited for it counts as waiting.
    """
    told, lock, begun = Load(seconds), threading.Lock(), threading.Barrier(clients)

    def work(number: int) -> None:
        connection, mine = Connection(port), itertools.islice(itertools.cycle(requests), number * 17, None)
        begun.wait()
        start = time.perf_counter()
        step = clients / rate if rate else 0.0
        waited, wrong = [], 0
        for turn, request in enumerate(mine):
            due = start + (turn + number / clients) * step if rate else time.perf_counter()
            if max(due, time.perf_counter()) - start >= seconds:
                break
            time.sleep(max(0.0, due - time.perf_counter()))
            wrong += connection.ask(request) != 200
            waited.append(time.perf_counter() - due)
        connection.close()
        with lock:
            told.waited += waited
            told.wrong += wrong

    threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told
