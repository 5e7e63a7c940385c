"""What a rule book may say: the rules of a payer or a Medicare contractor, dated and cited.

See rules/parameters.py for what each kind of rule may say, and docs/rules.md for a book explained.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializeAsAny,
    ValidationInfo,
    field_validator,
    model_validator,
)

from rules.mute import mute
from rules.parameters import KINDS, VALUES, Parameters
from rules.terms import Code, KnownAs, Modifier, Place, State, Word

Standing = Literal["stated", "observed", "assumed"]
Text = Annotated[str, Field(min_length=1)]
ALWAYS = date(1970, 1, 1)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Reference(_Part):
    """Where a rule can be read."""

    title: Text
    href: str | None = None


class AppliesTo(_Part):
    """Which claims a book is for; every field given must hold.

    payer_name: words of which the payer's name holds one, in any case.
    """

    payer_id: tuple[KnownAs, ...] = ()
    payer_name: tuple[Text, ...] = ()
    claim_filing_indicator_code: tuple[KnownAs, ...] = ()
    service_state: tuple[State, ...] = ()


class Covers(_Part):
    """How far a book goes."""

    verified_since: date | None = None
    not_modelled: tuple[Text, ...] = ()


class When(_Part):
    """Conditions of a rule: a line of another value is none of its business; a field that is not known: unknown."""

    place_of_service_code: tuple[Place, ...] = ()
    service_state: tuple[State, ...] = ()
    claim_filing_indicator_code: tuple[KnownAs, ...] = ()
    in_network_flag: bool | None = None
    modifiers: tuple[Modifier, ...] = ()  # one of them stands on the line
    no_modifiers: tuple[Modifier, ...] = ()  # none of them does


class Rule(_Part):
    """One rule; `parameters` holds what only its kind says.

    values: day of service from which it holds -> value (rules/parameters.py), None = repealed. published: when one
    could have known that value; absent = on the effective date.
    """

    id: Annotated[str, Field(pattern=r"^[A-Z0-9]+(-[A-Z0-9]+)*$")]
    kind: str
    title: Text
    codes: tuple[Code, ...] = ()
    when: When = When()
    values: dict[date, Any]
    published: dict[date, date | None] = Field(default_factory=dict)
    message: Text
    remedy: str | None = None
    correction: Literal["format", "attach", "obtain", "review"] = "review"
    field: Text | None = None
    carc: Word | None = None
    audit: bool = False
    reference: tuple[Reference, ...] = ()
    checked_on: date
    standing: Standing
    parameters: SerializeAsAny[Parameters]

    @model_validator(mode="before")
    @classmethod
    def _own_keys_apart(cls, raw: Any) -> Any:
        """Sort a rule's keys into the common ones and those of its kind."""
        if not isinstance(raw, dict):
            raise ValueError("expected a rule: a mapping with id, kind, ...")
        common = {key: value for key, value in raw.items() if key in cls.model_fields and key != "parameters"}
        return common | {"parameters": {key: value for key, value in raw.items() if key not in common}}

    @field_validator("kind")
    @classmethod
    def _known(cls, kind: str) -> str:
        if kind not in KINDS:
            raise ValueError(f"there is no kind {kind!r}; one of {', '.join(KINDS)}")
        return kind

    @field_validator("values", mode="before")
    @classmethod
    def _dated(cls, raw: Any, info: ValidationInfo) -> Any:
        """The values as the kind means them."""
        if not isinstance(raw, dict) or not raw:
            raise ValueError("a value without a date: expected {YYYY-MM-DD: value}")
        if "kind" not in info.data:
            return raw
        read = VALUES[info.data["kind"]].validate_python(raw)
        if len(read) < len(raw):
            raise ValueError("a date stands twice, once as a text; keep one")
        return read

    @field_validator("parameters", mode="before")
    @classmethod
    def _of_the_kind(cls, own: Any, info: ValidationInfo) -> Any:
        return KINDS[info.data["kind"]].model_validate(own) if "kind" in info.data else Parameters()

    @model_validator(mode="after")
    def _can_say_something(self) -> Rule:
        if lacks := mute(self.kind, self.parameters, self.codes, self.values.values()):
            raise ValueError(f"{self.kind}: {'; '.join(lacks)}")
        return self

    @property
    def citation(self) -> str | None:
        """The references in one line."""
        return "; ".join(one.title for one in self.reference) or None

    def known_on(self, effective: date) -> date:
        """When the value of an effective date could be known."""
        return self.published.get(effective) or effective


class Book(_Part):
    """All rules of one payer. id: the file's stem; within: the id of a book whose rules hold as well."""

    id: str
    payer: Text
    within: str | None = None
    applies_to: AppliesTo = AppliesTo()
    covers: Covers = Covers()
    rules: tuple[Rule, ...]
