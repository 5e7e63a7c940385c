"""`make bench`: every benchmark, each beside its peer; results are appended to results.csv."""

import os
from importlib.util import find_spec

from benchmarks import (
    claim_speed,
    cold_start,
    contributions,
    evidence,
    feature_speed,
    http_speed,
    ingest_speed,
    new_payer,
    policy_change,
    real_claims,
    reasons,
    recent_outcomes,
    rule_speed,
    rule_value,
    score_log,
    world_gap,
    x12_speed,
)

feature_speed.main()
ingest_speed.main()
world_gap.main()
reasons.main()
evidence.main()
cold_start.main()
policy_change.main()
recent_outcomes.main()
new_payer.main()
rule_speed.main()
rule_value.main()
contributions.main()
claim_speed.main()
score_log.main()
http_speed.main()
if find_spec("pyx12"):
    x12_speed.main()
else:
    print("x12_speed: left out, its peer is missing; pip install -r requirements-bench.lock")
if os.environ.get("DENIALS_REFERENCE"):
    real_claims.main()
else:
    print("real_claims: left out, DENIALS_REFERENCE is not set")
