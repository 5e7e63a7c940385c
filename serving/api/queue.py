"""Small requests wait here while others are scored, and are then scored together; large ones go one by one beside them.

One thread scores: a second one would share the interpreter with it and gain nothing. Nothing is waited for: a request
that finds the thread idle is scored at once, and while what was scored is being kept on the disk the next is scored.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from serving.problem import ProblemError
from serving.together import Asked

MOST_WAITING = 512
MOST_TOGETHER = 32
FINISHING = 8  # threads; those that keep answers at once share a sync of the disk
SMALL = 64 * 1024  # bytes; a larger body would keep the others waiting
T = TypeVar("T")


@dataclass(frozen=True)
class Waiting(Generic[T]):
    """A request, and where its answer goes."""

    asked: Asked
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[T]


class Queue(Generic[T]):
    """Hands requests to `answers`, in the queue's own threads; what that returns gives the answers, in yet another.

    To be started, and closed.
    """

    def __init__(self, answers: Callable[[Sequence[Asked]], Callable[[], list[T | Exception]]]) -> None:
        self._answers = answers
        self._finishing: ThreadPoolExecutor | None = None
        self._waiting: dict[bool, queue.SimpleQueue[Waiting[T] | None]] = {}
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin to answer; also anew, after it was closed."""
        self._finishing = ThreadPoolExecutor(FINISHING, "finishing")
        for small in (True, False):
            self._waiting[small] = queue.SimpleQueue()
            named = "scoring" if small else "scoring large requests"
            thread = threading.Thread(target=self._work, args=(small,), name=named, daemon=True)
            self._threads.append(thread)
            thread.start()

    def close(self) -> None:
        """Answer what waits, then end."""
        for waiting in self._waiting.values():
            waiting.put(None)
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        if self._finishing:
            self._finishing.shutdown()

    async def ask(self, asked: Asked) -> T:
        """The answer of a request, or what it raises. ProblemError (503) where too many wait."""
        waiting = self._waiting[len(asked.body) <= SMALL]
        if waiting.qsize() >= MOST_WAITING:
            raise ProblemError(503, "more requests wait than can be answered soon; try again", {"Retry-After": "1"})
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        waiting.put(Waiting(asked, loop, answer))
        return await answer

    def _work(self, small: bool) -> None:
        waiting = self._waiting[small]
        while (first := waiting.get()) is not None:
            taken, ends = [first], False
            while small and len(taken) < MOST_TOGETHER and not waiting.empty() and not ends:
                more = waiting.get()
                ends = more is None
                taken += [more] if more is not None else []
            self._answer(taken)
            if ends:
                return

    def _answer(self, taken: Sequence[Waiting[T]]) -> None:
        try:
            finish = self._answers([one.asked for one in taken])
        except Exception as error:  # any: nobody may be left waiting
            finish = partial(list[T | Exception], [error] * len(taken))
        assert self._finishing  # it was started
        self._finishing.submit(self._finish, taken, finish)

    def _finish(self, taken: Sequence[Waiting[T]], finish: Callable[[], list[T | Exception]]) -> None:
        try:
            answers = finish()
        except Exception as error:  # as above
            answers = [error] * len(taken)
        for loop in {one.loop for one in taken}:
            mine = [(one.answer, told) for one, told in zip(taken, answers, strict=True) if one.loop is loop]
            loop.call_soon_threadsafe(_tell, mine)


def _tell(answers: Sequence[tuple[asyncio.Future[T], T | Exception]]) -> None:
    for future, answer in answers:
        if future.done():  # its client has gone
            continue
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
