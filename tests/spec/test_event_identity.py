"""When two events of remittances and acknowledgements are one: what was delivered, and its ordinal among equals."""

import io

import pytest
from ascii_table import rows

from claims.chunks import Chunks
from claims.edi import Feed, Told
from claims.rows import source_of
from claims.settings import Settings
from claims.unit import Unit

EVENTS = {
    "outcomes": {"claim_id": "A", "known_date": "2026-02-01", "paid_amount": "5", "remark_codes": "",
                 "adjustments": "CO-45:1.00", "hcpcs_code": "99213"},
    "rejections": {"claim_id": "A", "known_date": "2026-02-01", "transaction": "277CA", "status_category_code": "A3",
                   "status_code": "21", "entity_code": "", "charge_amount": "5", "control_number": "0001"},
    "provider_adjustments": {"paid_date": "2026-02-01", "provider_npi": "1", "fiscal_date": "2026-12-31",
                             "reason_code": "WO", "reference_id": "K1", "amount": "-5", "trace_number": "T1"},
}  # fmt: skip
CASES = """
what is different           | table                | field                | value      | event
nothing                     | outcomes             | claim_id             | A          | same
the amount with cents       | outcomes             | paid_amount          | 5.00       | same
a column not carried        | outcomes             | remark_codes         |            | same
another column left empty   | outcomes             | payer_id             | ""         | same
another amount              | outcomes             | paid_amount          | 5.01       | other
another day                 | outcomes             | known_date           | 2026-02-02 | other
a remark                    | outcomes             | remark_codes         | N115       | other
nothing                     | rejections           | claim_id             | A          | same
a date written another way  | rejections           | known_date           | 20260201   | same
another claim               | rejections           | claim_id             | B          | other
the whole batch             | rejections           | claim_id             | ""         | other
another acknowledgement     | rejections           | transaction          | 999        | other
another status              | rejections           | status_code          | 22         | other
another transaction set     | rejections           | control_number       | 0002       | other
nothing                     | provider_adjustments | reason_code          | wo         | same
another sign                | provider_adjustments | amount               | 5          | other
another reason              | provider_adjustments | reason_code          | FB         | other
another reference           | provider_adjustments | reference_id         | K2         | other
another payment             | provider_adjustments | trace_number         | T2         | other
"""


class _Events(Feed):
    form = "x12"
    told: tuple[Told, ...] = ()

    def units(self):
        yield from self.told


def _ids(home, table, *events):
    """The ids of events, each of a transaction set of its own."""
    feed = _Events(io.BytesIO())
    feed.told = tuple(Told(i, Unit(table, i, [event], [i])) for i, event in enumerate(events, 1))
    (batch,) = Chunks(feed, source_of(Settings(home=home), "f"), "f").batches()
    return getattr(batch, table)[f"{table.removesuffix('s')}_id"].to_list()


@pytest.mark.parametrize("case", rows(CASES), ids=lambda case: f"{case['table']}: {case['what is different']}")
def test_what_makes_two_events_one(tmp_path, case):
    event = EVENTS[case["table"]]
    other = event | {case["field"]: case["value"]}
    if case["value"] is None:
        del other[case["field"]]
    first, second = _ids(tmp_path, case["table"], event, other)
    assert (first == second) == (case["event"] == "same")


@pytest.mark.parametrize("table", list(EVENTS))
def test_another_site_or_table_tells_another_event(tmp_path, table):
    ids = [_ids(tmp_path, name, event)[0] for name, event in EVENTS.items()]
    assert len(set(ids)) == 3
    feed = _Events(io.BytesIO())
    feed.told = (Told(1, Unit(table, 1, [EVENTS[table]], [1])),)
    site = Settings(home=tmp_path, ingest={"source_system": "other"})
    (batch,) = Chunks(feed, source_of(site, "f"), "f").batches()
    assert getattr(batch, table)[f"{table.removesuffix('s')}_id"].item() not in ids
