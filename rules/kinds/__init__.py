"""The kinds of rules: for each its one function, from what it is asked to its verdict."""

from __future__ import annotations

from collections.abc import Callable

from rules.kinds.add_on_without_primary import add_on_without_primary
from rules.kinds.bilateral_format import bilateral_format
from rules.kinds.covered_diagnosis import covered_diagnosis
from rules.kinds.deleted_code import deleted_code
from rules.kinds.device_chain import device_chain
from rules.kinds.documentation import documentation
from rules.kinds.drug_wastage import drug_wastage
from rules.kinds.duplicate import duplicate
from rules.kinds.frequency import frequency
from rules.kinds.global_period import global_period
from rules.kinds.laterality_missing import laterality_missing
from rules.kinds.missing_field import missing_field
from rules.kinds.modifier_conflict import modifier_conflict
from rules.kinds.modifier_required import modifier_required
from rules.kinds.mue import mue
from rules.kinds.place_of_service import place_of_service
from rules.kinds.prior_auth import prior_auth
from rules.kinds.ptp import ptp
from rules.kinds.sequence import sequence
from rules.kinds.timely_filing import timely_filing
from rules.kinds.unit_count import unit_count
from rules.verdict import Asked, Verdict

JUDGES: dict[str, Callable[[Asked], Verdict]] = {
    "frequency": frequency,
    "ptp": ptp,
    "mue": mue,
    "add_on_without_primary": add_on_without_primary,
    "bilateral_format": bilateral_format,
    "modifier_required": modifier_required,
    "modifier_conflict": modifier_conflict,
    "laterality_missing": laterality_missing,
    "drug_wastage": drug_wastage,
    "deleted_code": deleted_code,
    "place_of_service": place_of_service,
    "missing_field": missing_field,
    "covered_diagnosis": covered_diagnosis,
    "global_period": global_period,
    "prior_auth": prior_auth,
    "timely_filing": timely_filing,
    "sequence": sequence,
    "documentation": documentation,
    "unit_count": unit_count,
    "device_chain": device_chain,
    "duplicate": duplicate,
}
