"""Every public sample file, and damaged ones: no file stops the run, and no claim is lost without a word."""

import os
from itertools import islice
from pathlib import Path

import pytest

from benchmarks import x12_endurance, x12_samples
from claims import edi
from claims.settings import Settings

CASES = 300  # of the 20,000 of `make endurance`
CUT = {"truncated"}  # a claim whose CLM or CLP was cut off in the middle is no segment any more


@pytest.fixture(scope="module")
def reference():
    folder = os.environ.get("DENIALS_REFERENCE")
    return Path(folder) if folder else None


@pytest.fixture(scope="module")
def files(reference, tmp_path_factory):
    return x12_endurance.sources(reference, tmp_path_factory.mktemp("world"))


def test_every_claim_of_every_sample_is_accepted_or_rejected(reference, tmp_path):
    if reference is None:
        pytest.skip("DENIALS_REFERENCE is not set: the samples lie there")
    paths = x12_samples.samples(reference)
    assert paths
    for path in paths:
        reading = x12_samples.read(path.read_bytes(), Settings(home=tmp_path))
        assert not reading.error, path.name
        assert reading.accepted + reading.rejected == reading.delivered, path.name
        if not reading.flags.keys() & CUT:
            assert reading.delivered == reading.claims, path.name
        assert reading.rejected == 0 or reading.reasons, path.name


def test_claims_are_counted_without_the_reader():
    segments = "ISA|00|GS|1~\n CLM|A|1~NTE|CLM|CLP~CLP|B~XCLM|C~CLM*D~CLP|E~"
    assert x12_samples.counted(segments.encode()) == 3


def test_damage_is_read_or_refused_but_never_swallowed(files, tmp_path):
    found = {
        number: (words, faults)
        for number, words, faults in x12_endurance.run(range(CASES), files, Settings(home=tmp_path))
        if faults
    }
    assert found == {}


def test_a_claim_that_a_reader_loses_is_noticed(files, tmp_path, monkeypatch):
    whole = edi.READERS["835"]
    monkeypatch.setitem(edi.READERS, "835", lambda transaction, flag: islice(whole(transaction, flag), 1, None))
    remittance = next(content for name, content in sorted(files.items()) if name.endswith(".835"))
    assert x12_endurance.faults_of(remittance, Settings(home=tmp_path))


def test_what_splitting_the_text_gives():
    header = (
        "ISA*00*          *00*          *ZZ*A              *ZZ*B              *260301*1200*^*00501*000000001*0*P*:~"
    )
    body = "GS*HP~ST*835*1~CLP*A~\nCLP*B~ST*278*1~CLP*C~SE*1*1~CLP*D~IEA*1"
    assert x12_endurance.plainly_read((header + body).encode()) == (10, 2)
    assert x12_endurance.plainly_read((header + body).replace("*ZZ*A ", "*ZZ*A").encode()) is None
