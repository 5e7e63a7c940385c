"""The providers of an 837: who bills, renders, refers, and where. By their NPIs, specialty and state alone.

Who bills also renders, and is where the service was, until a loop of the claim or the line says otherwise.
"""

from __future__ import annotations

from claims.x12 import element
from claims.x12_837_state import Level, Reading, npi_of, state_of
from claims.x12_segments import Segment

INSTEAD = {"71": "82", "P3": "DN"}  # attending and primary care provider, unless the claim names the other one
NPIS = {
    "82": "rendering_npi", "71": "rendering_npi", "DN": "referring_npi", "P3": "referring_npi", "77": "facility_npi",
}  # fmt: skip


def _biller_specialty(reading: Reading, segment: Segment) -> None:
    if element(segment, 1) in ("BI", "PT"):
        reading.biller["rendering_taxonomy"] = element(segment, 3)


def _biller_name(reading: Reading, segment: Segment) -> None:
    reading.entity = element(segment, 1)
    if reading.entity == "85":
        reading.biller["billing_npi"] = reading.biller["rendering_npi"] = npi_of(segment)


def _biller_place(reading: Reading, segment: Segment) -> None:
    if reading.entity == "85":
        reading.biller["service_state"] = state_of(segment)


def _provider(reading: Reading, segment: Segment) -> None:
    reading.entity = entity = element(segment, 1)
    column = NPIS.get(entity)
    if column is None:
        return
    if INSTEAD.get(entity) in reading.roles:
        reading.entity = ""
        return
    reading.roles.add(entity)
    reading.target[column] = npi_of(segment)
    if column == "rendering_npi":
        reading.target["rendering_taxonomy"] = ""
    elif entity == "77":
        reading.target["service_state"] = reading.biller["service_state"]


def _specialty(reading: Reading, segment: Segment) -> None:
    if reading.entity in ("82", "71"):
        reading.target["rendering_taxonomy"] = element(segment, 3)


def _place(reading: Reading, segment: Segment) -> None:
    if reading.entity == "77":
        reading.target["service_state"] = state_of(segment) or reading.biller["service_state"]


BILLING: Level = {"PRV": _biller_specialty, "NM1": _biller_name, "N4": _biller_place}
PROVIDERS: Level = {"NM1": _provider, "PRV": _specialty, "N4": _place}  # those of 2310 and of 2420 alike
