"""`make bench`: every benchmark, each beside its peer; results are appended to results.csv."""

import os

from benchmarks import feature_speed, ingest_speed, real_claims, world_gap

feature_speed.main()
ingest_speed.main()
world_gap.main()
if os.environ.get("DENIALS_REFERENCE"):
    real_claims.main()
else:
    print("real_claims: left out, DENIALS_REFERENCE is not set")
