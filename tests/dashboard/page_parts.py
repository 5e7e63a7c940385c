"""A page taken apart: its visible text, its figures, and everything in it that could ask for something elsewhere."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any


@dataclass
class Page(HTMLParser):
    """addresses: values of src, href, action and the like; tags: names of all elements; figures: by id, from JSON."""

    text: str = ""
    addresses: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    policy: str = ""
    _inside: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.ids.add(found.get("id", ""))
        self.addresses += [
            found[name] for name in ("src", "href", "action", "srcset", "data", "poster") if name in found
        ]
        if found.get("http-equiv") == "Content-Security-Policy":
            self.policy = found["content"]
        if tag in ("script", "style"):
            self._inside.append((tag, found))

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.text += data
        elif self._inside[-1][1].get("type") == "application/json":
            self.figures[self._inside[-1][1]["id"]] = json.loads(data)


def read(html: str) -> Page:
    """The page, parsed."""
    page = Page()
    page.feed(html)
    page.close()
    return page
