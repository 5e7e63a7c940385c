"""The tables as they are stored: one row a service line, an adjudication event, an authorization, a refusal, ...

Dates are calendar days, money is USD in Decimal(12, 2). In a text column null means *not known* (the source does
not carry the column) and "" means *not present* (the source carries it and left it empty): DESIGN section 4.
"""

import dataframely as dy
import polars as pl

MODIFIERS = tuple(f"hcpcs_modifier_{i}" for i in range(1, 5))
DIAGNOSES = tuple(f"diagnosis_code_{i}" for i in range(1, 13))
DOCUMENTATION = (
    "doc_pain_score", "doc_conservative_weeks", "doc_imaging", "doc_exam_findings", "doc_relief_percent",
    "doc_prior_blocks", "doc_muscles", "doc_joints", "doc_image_views_saved", "doc_psych_evaluation", "doc_time_out",
)  # fmt: skip


class Line(dy.Schema):
    """Grain: one version of one service line of one submission (submission_id, claim_line_number, version)."""

    submission_id = dy.String(primary_key=True)
    claim_line_number = dy.Int32(primary_key=True, min=0)
    version = dy.Int32(primary_key=True, min=1)
    row_hash = dy.String(nullable=False)
    source_system = dy.String(nullable=False)
    claim_id = dy.String(nullable=False, min_length=1)
    submitted_date = dy.Date(nullable=True)
    claim_line_start_date = dy.Date(nullable=False)
    claim_line_end_date = dy.Date(nullable=True)
    payer_id = dy.String(nullable=False, min_length=1)
    payer_name = dy.String(nullable=True)
    plan_id = dy.String(nullable=True)
    claim_filing_indicator_code = dy.String(nullable=True)
    payer_responsibility_code = dy.String(nullable=True)
    member_key = dy.String(nullable=True)
    patient_id = dy.String(nullable=True)
    patient_age = dy.Int16(nullable=True, min=0, max=90)
    patient_sex = dy.String(nullable=True)
    billing_npi = dy.String(nullable=True)
    rendering_npi = dy.String(nullable=True)
    rendering_taxonomy = dy.String(nullable=True)
    facility_npi = dy.String(nullable=True)
    referring_npi = dy.String(nullable=True)
    service_state = dy.String(nullable=True)
    place_of_service_code = dy.String(nullable=True)
    claim_frequency_code = dy.String(nullable=True)
    claim_type = dy.String(nullable=True)
    hcpcs_code = dy.String(nullable=False, min_length=1)
    hcpcs_modifier_1 = dy.String(nullable=True)
    hcpcs_modifier_2 = dy.String(nullable=True)
    hcpcs_modifier_3 = dy.String(nullable=True)
    hcpcs_modifier_4 = dy.String(nullable=True)
    service_unit_quantity = dy.Float64(nullable=True)
    charge_amount = dy.Decimal(12, 2, nullable=True)
    diagnosis_code_1 = dy.String(nullable=True)
    diagnosis_code_2 = dy.String(nullable=True)
    diagnosis_code_3 = dy.String(nullable=True)
    diagnosis_code_4 = dy.String(nullable=True)
    diagnosis_code_5 = dy.String(nullable=True)
    diagnosis_code_6 = dy.String(nullable=True)
    diagnosis_code_7 = dy.String(nullable=True)
    diagnosis_code_8 = dy.String(nullable=True)
    diagnosis_code_9 = dy.String(nullable=True)
    diagnosis_code_10 = dy.String(nullable=True)
    diagnosis_code_11 = dy.String(nullable=True)
    diagnosis_code_12 = dy.String(nullable=True)
    diagnosis_code_type = dy.String(nullable=True)
    diagnosis_pointers = dy.String(nullable=True)
    prior_authorization_number = dy.String(nullable=True)
    referral_number = dy.String(nullable=True)
    ndc_code = dy.String(nullable=True)
    in_network_flag = dy.Bool(nullable=True)
    original_reference_number = dy.String(nullable=True)
    line_item_control_no = dy.String(nullable=True)
    line_note = dy.String(nullable=True)
    doc_pain_score = dy.Float64(nullable=True)
    doc_conservative_weeks = dy.Float64(nullable=True)
    doc_imaging = dy.Bool(nullable=True)
    doc_exam_findings = dy.Bool(nullable=True)
    doc_relief_percent = dy.Float64(nullable=True)
    doc_prior_blocks = dy.Float64(nullable=True)
    doc_muscles = dy.Float64(nullable=True)
    doc_joints = dy.Float64(nullable=True)
    doc_image_views_saved = dy.Float64(nullable=True)
    doc_psych_evaluation = dy.Bool(nullable=True)
    doc_time_out = dy.Bool(nullable=True)
    extra = dy.String(nullable=True)  # the site's x_* columns as one JSON object, keys sorted
    file_id = dy.String(nullable=False)
    loaded_at = dy.Datetime(nullable=False, time_unit="us", time_zone="UTC")

    @dy.rule()
    def ends_after_it_starts(cls) -> pl.Expr:
        """The last day of service is not before the first."""
        return pl.col("claim_line_end_date") >= pl.col("claim_line_start_date")

    @dy.rule()
    def charge_is_not_negative(cls) -> pl.Expr:
        """A charge is zero or more; a reversal is an outcome, not a line."""
        return pl.col("charge_amount") >= 0

    @dy.rule()
    def units_are_not_negative(cls) -> pl.Expr:
        """Units are zero or more."""
        return pl.col("service_unit_quantity") >= 0


class Outcome(dy.Schema):
    """Grain: one adjudication event of one claim line, as delivered (outcome_id)."""

    outcome_id = dy.String(primary_key=True)
    source_system = dy.String(nullable=False)
    claim_id = dy.String(nullable=False, min_length=1)
    claim_line_number = dy.Int32(nullable=True)
    known_date = dy.Date(nullable=False)
    paid_date = dy.Date(nullable=True)
    claim_status_code = dy.String(nullable=True)
    allowed_amount = dy.Decimal(12, 2, nullable=True)
    paid_amount = dy.Decimal(12, 2, nullable=True)
    adjustments = dy.String(nullable=True)
    remark_codes = dy.String(nullable=True)
    payer_claim_control_number = dy.String(nullable=True)
    payer_id = dy.String(nullable=True)
    denied = dy.Bool(nullable=True)
    line_item_control_no = dy.String(nullable=True)
    claim_line_start_date = dy.Date(nullable=True)
    hcpcs_code = dy.String(nullable=True)
    hcpcs_modifier_1 = dy.String(nullable=True)
    hcpcs_modifier_2 = dy.String(nullable=True)
    hcpcs_modifier_3 = dy.String(nullable=True)
    hcpcs_modifier_4 = dy.String(nullable=True)
    charge_amount = dy.Decimal(12, 2, nullable=True)
    billing_npi = dy.String(nullable=True)
    file_id = dy.String(nullable=False)
    loaded_at = dy.Datetime(nullable=False, time_unit="us", time_zone="UTC")
    row = dy.Int64(nullable=True)  # in its file: tables keep no order, and rows that are alike go to lines in order


OUTCOME_ORDER = ("loaded_at", "file_id", "row", "outcome_id")  # as outcomes came, wherever their order decides


class Authorization(dy.Schema):
    """Grain: one state of one authorization, as delivered (authorization_id). known_date null: with the claim."""

    authorization_id = dy.String(primary_key=True)
    source_system = dy.String(nullable=False)
    prior_authorization_number = dy.String(nullable=False, min_length=1)
    payer_id = dy.String(nullable=True)
    member_key = dy.String(nullable=True)
    hcpcs_codes = dy.String(nullable=True)  # 64483;64484
    units_authorized = dy.Float64(nullable=True)
    valid_from = dy.Date(nullable=True)
    valid_to = dy.Date(nullable=True)
    status = dy.String(nullable=True)
    known_date = dy.Date(nullable=True)
    place_of_service_code = dy.String(nullable=True)
    rendering_npi = dy.String(nullable=True)
    file_id = dy.String(nullable=False)
    loaded_at = dy.Datetime(nullable=False, time_unit="us", time_zone="UTC")


class Rejection(dy.Schema):
    """Grain: one refusal before adjudication, as delivered (rejection_id): of a claim, or with claim_id "" of a batch.

    No denial: what was refused never reached the payer's adjudication.
    """

    rejection_id = dy.String(primary_key=True)
    source_system = dy.String(nullable=False)
    claim_id = dy.String(nullable=True)
    known_date = dy.Date(nullable=True)
    transaction = dy.String(nullable=False, min_length=1)  # 277CA, 999
    status_category_code = dy.String(nullable=True)
    status_code = dy.String(nullable=True)
    entity_code = dy.String(nullable=True)
    payer_id = dy.String(nullable=True)
    billing_npi = dy.String(nullable=True)
    charge_amount = dy.Decimal(12, 2, nullable=True)
    control_number = dy.String(nullable=True)  # of the transaction set that was refused
    file_id = dy.String(nullable=False)
    loaded_at = dy.Datetime(nullable=False, time_unit="us", time_zone="UTC")


class ProviderAdjustment(dy.Schema):
    """Grain: one adjustment of a payment that belongs to no claim of it, as delivered (provider_adjustment_id)."""

    provider_adjustment_id = dy.String(primary_key=True)
    source_system = dy.String(nullable=False)
    known_date = dy.Date(nullable=True)
    paid_date = dy.Date(nullable=True)
    payer_id = dy.String(nullable=True)
    provider_npi = dy.String(nullable=True)
    fiscal_date = dy.Date(nullable=True)
    reason_code = dy.String(nullable=False, min_length=1)  # WO, FB, L6, 72, CS, ...
    reference_id = dy.String(nullable=True)
    amount = dy.Decimal(12, 2, nullable=False)  # positive: the payment was less by it
    trace_number = dy.String(nullable=True)
    claim_reference = dy.String(nullable=True)
    file_id = dy.String(nullable=False)
    loaded_at = dy.Datetime(nullable=False, time_unit="us", time_zone="UTC")


class Reject(dy.Schema):
    """Grain: one row of a file that was not accepted (file_id, row, table). Carries no content of the claim."""

    file_id = dy.String(primary_key=True)
    table = dy.String(primary_key=True)
    row = dy.Int64(primary_key=True)  # 1 = the first row of data; of X12 the first segment
    field = dy.String(nullable=True)
    reason = dy.String(nullable=False)
    loaded_at = dy.Datetime(nullable=False, time_unit="us", time_zone="UTC")


class SourceFile(dy.Schema):
    """Grain: one file as it was read (file_id). `columns` are the canonical columns it carried, joined by ';'."""

    file_id = dy.String(primary_key=True)
    name = dy.String(nullable=False)
    kind = dy.String(nullable=False)
    carried = dy.String(nullable=False, alias="columns")  # the plain name would hide Schema.columns()
    rows = dy.Int64(nullable=False)
    accepted = dy.Int64(nullable=False)
    rejected = dy.Int64(nullable=False)
    loaded_at = dy.Datetime(nullable=False, time_unit="us", time_zone="UTC")


class Quality(dy.Schema):
    """Grain: one kind of fault of a file that kept nothing out: control counts, sums that do not balance, ..."""

    file_id = dy.String(primary_key=True)
    flag = dy.String(primary_key=True)
    count = dy.Int64(nullable=False, min=1)
    loaded_at = dy.Datetime(nullable=False, time_unit="us", time_zone="UTC")


# What a file, frame or request may carry in place of, or beside, the stored columns.
RAW_LINE_COLUMNS = {"member_id": pl.String, "patient_birth_date": pl.Date}
RAW_AUTHORIZATION_COLUMNS = {"member_id": pl.String}
REQUIRED = {
    "lines": ("claim_id", "claim_line_number", "claim_line_start_date", "payer_id", "hcpcs_code"),
    "outcomes": ("claim_id",),
    "authorizations": ("prior_authorization_number",),
    "rejections": ("transaction",),
    "provider_adjustments": ("reason_code", "amount"),
}
