"""What each kind of rule may say in a book, beside what every rule says: its parameters and the meaning of its values.

A value holds for services from its date on; null repeals it. PLACEHOLDERS are what a kind's message may name.
"""

from __future__ import annotations

from datetime import date
from types import GenericAlias
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, TypeAdapter

from rules.terms import Code, Column, Element, Indicator, Modifier, Place, Yes

Format = Literal["50x1", "50x2", "RTLT"]  # one line with 50 and 1 unit; with 2 units; two lines, RT and LT


class Parameters(BaseModel):
    """What a rule of one kind says beside the common fields; a misspelt key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Ptp(Parameters):
    """The line's code is not paid beside another of the same day: by the table of pairs, or one of `not_with`.

    bypass: modifiers of the line with which it may be; on_either: those that may as well stand on the other line,
    unless the line is a visit. Value: true.
    """

    table: Literal["ncci_ptp"] | None = None
    not_with: tuple[Code, ...] = ()
    bypass: tuple[Modifier, ...] = ()
    on_either: tuple[Modifier, ...] = ()


class Mue(Parameters):
    """Units of a code on one line or one day are limited, by the table or by the value. Value: true, or the limit."""

    table: Literal["ncci_mue", "medicaid_mue"] | None = None
    per: Literal["line", "day"] = "day"


class AddOnWithoutPrimary(Parameters):
    """An add-on needs one of its primaries on the same day: of the table, or of `primaries`. Value: true."""

    table: Literal["add_on"] | None = None
    primaries: tuple[Code, ...] = ()


class BilateralFormat(Parameters):
    """How both sides are written, for codes of these bilateral indicators (or of `codes`). Value: the accepted formats.

    [] = the code is never billed as bilateral. disputed: formats on which the payer's own pages disagree; a line
    written so is unknown.
    """

    indicators: tuple[Indicator, ...] = ()
    disputed: tuple[Format, ...] = ()


class ModifierRequired(Parameters):
    """One of the modifiers of the value stands on the line. Value: list of modifiers.

    beside: only where one of these codes stands on the claim the same day. if_so: what the claim cannot tell; without
    the modifier the answer is then unknown.
    """

    beside: tuple[Code, ...] = ()
    if_so: str | None = None


class ModifierConflict(Parameters):
    """Modifiers that may not stand together on a line. Value: list of lists; a list of one = never on these codes."""


class LateralityMissing(Parameters):
    """A code of one side says which: RT, LT or 50. Value: true."""


class DrugWastage(Parameters):
    """JW or JZ on separately payable single-dose drugs. Value: true.

    container: single = JW or JZ must stand; unknown = the claim does not tell the container; bundled = neither belongs.
    """

    container: Literal["single", "unknown", "bundled"]


class GlobalPeriod(Parameters):
    """A service within the global days of an earlier one needs a modifier that says why. Value: true.

    visits: 25 or 57 on the day, 24 after; procedures: 58, 78 or 79 after.
    """

    table: Literal["mpfs"] = "mpfs"
    of: Literal["visits", "procedures"]


class PriorAuth(Parameters):
    """An authorization covers the code, the day, the units, the place and the provider. Value: true."""


class TimelyFiling(Parameters):
    """Submitted within so many days of the (last) day of service. Value: days.

    disputed: another page of the payer says so many; between the two the answer is unknown. calendar_years: they are
    years. counts_from: first = a professional line of several days counts from its first, an institutional one from its
    last. to_workday: a limit on a weekend is the Monday after.
    """

    disputed: int | None = None
    calendar_years: bool = False
    counts_from: Literal["first", "last"] = "last"
    to_workday: bool = False


class Frequency(Parameters):
    """At most so many sessions (days of service) of a group of codes within a window, the line's own included.

    Value: the limit. groups: name -> codes, counted apart; absent = all `codes` are one group. only_with and
    only_without: modifiers of the sessions that count (and of the line). by_side: RT, LT apart, 50 both.
    """

    groups: dict[str, tuple[Code, ...]] = Field(default_factory=dict)
    window_days: Annotated[int, Field(ge=1, le=1095)] | None = None
    calendar_year: bool = False
    only_with: tuple[Modifier, ...] = ()
    only_without: tuple[Modifier, ...] = ()
    by_side: bool = False


class Sequence(Parameters):
    """So many earlier sessions of other codes come first. Value: how many.

    after: their codes; within_days: how far back. element: documentation that counts as well (its number of sessions,
    or true). first_only: asked only where the patient had no session of the rule's own codes within within_days.
    only_with: modifiers that the earlier sessions carry; by_side: they are of the line's own side. What decides and is
    not told is unknown.
    """

    after: tuple[Code, ...]
    within_days: Annotated[int, Field(ge=1, le=1095)] = 730
    element: Element | None = None
    first_only: bool = False
    only_with: tuple[Modifier, ...] = ()
    by_side: bool = False


class CoveredDiagnosis(Parameters):
    """The diagnosis that the line points to is one of the value's: codes, prefixes (M54.1*) or ranges (A-B).

    [] = no diagnosis supports the code: it is not covered.
    """


class Documentation(Parameters):
    """What the record must hold. Value: the number that the element must reach, or true.

    repeat_within_days: asked only where the patient had an earlier session of the rule's codes within so many days;
    first_within_days: only where there was none.
    """

    element: Element
    repeat_within_days: Annotated[int, Field(ge=1, le=1095)] | None = None
    first_within_days: Annotated[int, Field(ge=1, le=1095)] | None = None


class UnitCount(Parameters):
    """What is counted is what the code means. Value: a number.

    measure: levels = units of the rule's codes on the day, both sides of one level once, at most the value;
    documented_at_least / documented_at_most = the element against the value; units_documented = the levels of the
    rule's codes on the day at most the element (value: true).
    """

    measure: Literal["levels", "documented_at_least", "documented_at_most", "units_documented"]
    element: Element | None = None


class DeviceChain(Parameters):
    """A step of the stimulator's chain: it needs an earlier service, a note of it, or codes beside it. Value: true.

    after: codes of the earlier service, within_days back; element: documentation that counts as well (yes, or at_least
    so much); beside: codes of which one stands on the claim the same day. elsewhere: others may have given the earlier
    service, so that not to find it proves nothing; the record's own no does.
    """

    after: tuple[Code, ...] = ()
    within_days: Annotated[int, Field(ge=1, le=1095)] = 730
    element: Element | None = None
    at_least: float | None = None
    beside: tuple[Code, ...] = ()
    elsewhere: bool = False


class DeletedCode(Parameters):
    """Whether the code exists on the day of service. Value: valid, deleted or not_yet."""

    replaced_by: tuple[Code, ...] = ()


class PlaceOfService(Parameters):
    """Where the service may be given. Value: list of places. refused: the value lists where it may not."""

    refused: bool = False


class Duplicate(Parameters):
    """The same service is billed once: same patient, payer, day, code, modifiers, provider. Value: true.

    unless: modifiers that say it was done again.
    """

    unless: tuple[Modifier, ...] = ()


class MissingField(Parameters):
    """Fields that must be filled. Value: list of columns of the lines table."""


KINDS: dict[str, type[Parameters]] = {
    "ptp": Ptp, "mue": Mue, "add_on_without_primary": AddOnWithoutPrimary, "bilateral_format": BilateralFormat,
    "modifier_required": ModifierRequired, "modifier_conflict": ModifierConflict,
    "laterality_missing": LateralityMissing, "drug_wastage": DrugWastage, "global_period": GlobalPeriod,
    "prior_auth": PriorAuth, "timely_filing": TimelyFiling, "frequency": Frequency, "sequence": Sequence,
    "covered_diagnosis": CoveredDiagnosis, "documentation": Documentation, "unit_count": UnitCount,
    "device_chain": DeviceChain, "deleted_code": DeletedCode, "place_of_service": PlaceOfService,
    "duplicate": Duplicate, "missing_field": MissingField,
}  # fmt: skip
_Texts = tuple[str, ...]
_VALUES: dict[str, Any] = {
    "ptp": Yes, "mue": Yes | Annotated[StrictInt, Field(ge=0)], "add_on_without_primary": Yes,
    "bilateral_format": tuple[Format, ...], "modifier_required": Annotated[tuple[Modifier, ...], Field(min_length=1)],
    "modifier_conflict": Annotated[tuple[tuple[Modifier, ...], ...], Field(min_length=1)], "laterality_missing": Yes,
    "drug_wastage": Yes, "global_period": Yes, "prior_auth": Yes, "timely_filing": Annotated[StrictInt, Field(ge=1)],
    "frequency": Annotated[StrictInt, Field(ge=0)], "sequence": Annotated[StrictInt, Field(ge=1)],
    "covered_diagnosis": _Texts, "documentation": StrictBool | StrictInt | float, "unit_count": Yes | StrictInt,
    "device_chain": Yes, "deleted_code": Literal["valid", "deleted", "not_yet"],
    "place_of_service": Annotated[tuple[Place, ...], Field(min_length=1)], "duplicate": Yes,
    "missing_field": Annotated[tuple[Column, ...], Field(min_length=1)],
}  # fmt: skip
_DATED: dict[str, Any] = {kind: GenericAlias(dict, (date, form | None)) for kind, form in _VALUES.items()}
VALUES: dict[str, TypeAdapter[Any]] = {kind: TypeAdapter(form) for kind, form in _DATED.items()}  # all of a rule's
PLACEHOLDERS: dict[str, frozenset[str]] = {
    kind: frozenset({"code", *names.split()})
    for kind, names in {
        "ptp": "other", "mue": "units limit", "add_on_without_primary": "others", "bilateral_format": "found accepted",
        "modifier_required": "required found", "modifier_conflict": "found", "laterality_missing": "",
        "drug_wastage": "found", "global_period": "earlier since days needed", "prior_auth": "authorization",
        "timely_filing": "days limit", "frequency": "count limit since group", "sequence": "count needed",
        "covered_diagnosis": "diagnosis", "documentation": "found needed", "unit_count": "units limit documented",
        "device_chain": "needed", "deleted_code": "replacement", "place_of_service": "place", "duplicate": "",
        "missing_field": "fields",
    }.items()
}  # fmt: skip
