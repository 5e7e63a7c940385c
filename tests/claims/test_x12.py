"""The transport of X12: whatever delimiters, line ends and faults a file has, its segments come out, or a flag says why."""

import io
import tracemalloc
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims.errors import UnreadableFileError
from claims.x12 import Reader, element, iso_date, looks_like_x12
from claims.x12_segments import LONGEST

ISA = "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *240615*1200*^*00501*000000007*0*P*:~"
GS = "GS*HC*SENDER*RECEIVER*20240615*1200*3*X*005010X222A1~"
CLAIM = "CLM*A1*100***11:B:1~LX*1~SV1*HC:99213*100*UN*1***1~"
BODY = [["CLM", "A1", "100", "", "", "11:B:1"], ["LX", "1"], ["SV1", "HC:99213", "100", "UN", "1", "", "", "1"]]


def transaction(body=CLAIM, control="0001", count=None):
    count = body.count("~") + 2 if count is None else count
    return f"ST*837*{control}*005010X222A1~{body}SE*{count}*{control}~"


def interchange(*transactions, isa=ISA, gs=GS, end="GE*{}*3~IEA*1*000000007~"):
    return isa + gs + "".join(transactions) + end.format(len(transactions))


PLAIN = interchange(transaction())


def read(content):
    """What each transaction holds, the flags, and the transactions."""
    flags = Counter()
    reader = Reader(
        io.BytesIO(content if isinstance(content, bytes) else content.encode()), lambda f: flags.update([f])
    )
    found, bodies = [], []
    for one in reader.transactions():
        found.append(one)
        bodies.append(list(one))
    return bodies, dict(flags), found


def marked(text, element="*", component=":", repetition="^", terminator="~"):
    return text.translate(str.maketrans({"*": element, ":": component, "^": repetition, "~": terminator}))


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        "\ufeff" + PLAIN,
        "  \r\n\t" + PLAIN,
        PLAIN.replace("~", "~\n"),
        PLAIN.replace("~", "~\r\n"),
        PLAIN.replace("~", "~\r\n   "),
        PLAIN.replace("~", " \n ~", 5).replace(" \n ~", "~", 1),
        PLAIN.replace("~", "~\r\n", 4).replace("~C", "~\nC"),
        ISA + "\n".join(PLAIN[at : at + 9] for at in range(len(ISA), len(PLAIN), 9)),
        PLAIN.removesuffix("~"),
        PLAIN + "\n\x1a\0\0",
        PLAIN.replace("*P*:~", "*P*: ~", 1),
        interchange("TA1*000000007*240615*1200*A*000~" + transaction()),
    ],
    ids=[
        "plain", "BOM", "blanks before", "LF", "CRLF", "indented", "blanks around", "mixed line ends", "wrapped",
        "no last terminator", "padding", "blank before the terminator", "TA1",
    ],
)  # fmt: skip
def test_the_same_segments_however_they_are_laid_out(content):
    bodies, flags, _ = read(content)
    assert bodies == [BODY]
    assert flags == {}


@pytest.mark.parametrize(
    "marks",
    [
        {"element": "|"},
        {"element": "\x1d", "component": "\x1f", "terminator": "\x1c", "repetition": "\x1e"},
        {"component": ">", "repetition": "!"},
        {"component": "<", "terminator": "'"},
        {"terminator": "\n"},
        {"terminator": "\r"},
        {"terminator": "\r\n"},
        {"element": "\t", "terminator": "\n"},
        {"element": "\u00a6", "terminator": "\u00ac"},
    ],
)
def test_delimiters_are_those_that_the_isa_tells(marks):
    bodies, flags, (only,) = read(marked(PLAIN, **marks))
    component = marks.get("component", ":")
    assert bodies == [[[cell.replace(":", component) for cell in segment] for segment in BODY]]
    assert (only.reader.component, only.reader.repetition) == (component, marks.get("repetition", "^"))
    assert flags == {}


def test_line_ends_of_several_kinds_all_end_segments_where_one_does():
    text = marked(PLAIN, terminator="\n").replace("\n", "\r\n", 4).replace("\nLX", "\rLX")
    assert read(text)[:2] == ([BODY], {})


def test_every_interchange_has_its_own_delimiters():
    second = marked(PLAIN.replace("A1", "B2"), "|", ">", "!", "\n")
    bodies, flags, _ = read(PLAIN + second + PLAIN)
    assert [body[0][1] for body in bodies] == ["A1", "B2", "A1"]
    assert bodies[1][2][1] == "HC>99213"
    assert flags == {}


def test_what_a_transaction_knows_of_its_envelope():
    _, _, (only,) = read(PLAIN)
    assert (only.kind, only.version, only.group_date) == ("837P", "005010X222A1", "2024-06-15")
    assert (only.sender, only.receiver) == ("SENDER", "RECEIVER")
    assert (only.control, only.group_control, only.interchange_control) == ("0001", "3", "000000007")
    _, flags, (bare,) = read(PLAIN.replace(GS, "").replace("GE*1*3~IEA*1", "IEA*0"))
    assert (bare.kind, bare.version, bare.sender, bare.group_date) == ("837P", "005010X222A1", "SENDER", "")
    assert flags == {"missing_gs": 1}


@pytest.mark.parametrize(
    ("number", "version", "kind", "flag"),
    [
        ("837", "005010X223A2", "837I", None),
        ("837", "005010X224A2", "837D", None),
        ("837", "004010X098A1", "837P", "version_4010"),
        ("837", "004010X096A1", "837I", "version_4010"),
        ("837", "005010", "837P", "unknown_version"),
        ("835", "005010X221A1", "835", None),
        ("277", "005010X214", "277CA", None),
        ("277", "005010X212", "277", None),
        ("999", "005010X231A1", "999", None),
        ("834", "005010X220A1", "834", None),
    ],
)
def test_the_kind_is_told_by_st_and_the_guide(number, version, kind, flag):
    _, flags, (only,) = read(PLAIN.replace("005010X222A1", version).replace("ST*837", f"ST*{number}"))
    assert only.kind == kind
    assert flags == ({flag: 1} if flag else {})


def test_position_is_the_ordinal_of_the_segment_in_the_source():
    flags = Counter()
    reader = Reader(io.BytesIO((PLAIN + PLAIN).encode()), lambda f: flags.update([f]))
    at = [[(segment[0], reader.position) for segment in one] for one in reader.transactions()]
    assert at == [[("CLM", 4), ("LX", 5), ("SV1", 6)], [("CLM", 13), ("LX", 14), ("SV1", 15)]]
    assert reader.position == PLAIN.count("~") * 2


def test_a_consumer_may_leave_a_transaction_early_or_alone():
    text = interchange(transaction(CLAIM.replace("A1", "B1")), transaction(control="0002"), transaction(control="0003"))
    flags = Counter()
    reader = Reader(io.BytesIO(text.encode()), lambda f: flags.update([f]))
    seen = []
    for number, one in enumerate(reader.transactions()):
        if number != 1:
            seen.append(next(iter(one)))
    assert [segment[1] for segment in seen] == ["B1", "A1"]
    assert not flags


@pytest.mark.parametrize(
    ("content", "flags"),
    [
        (interchange(transaction(count=9)), {"segment_count": 1}),
        (interchange(transaction(count="x")), {"segment_count": 1}),
        (interchange(transaction(count="0005")), {}),
        (PLAIN.replace("SE*5*0001", "SE*5*0009"), {"control_number": 1}),
        (PLAIN.replace("GE*1*3", "GE*2*3"), {"transaction_count": 1}),
        (PLAIN.replace("GE*1*3", "GE*1*4"), {"control_number": 1}),
        (PLAIN.replace("IEA*1", "IEA*2"), {"group_count": 1}),
        (PLAIN.replace("IEA*1*000000007", "IEA*1*000000008"), {"control_number": 1}),
        (PLAIN.replace("SE*5*0001~", ""), {"missing_se": 1}),
        (PLAIN.replace("GE*1*3~", ""), {"missing_ge": 1}),
        (PLAIN.replace("IEA*1*000000007~", ""), {"missing_iea": 1}),
        (PLAIN.split("SE*")[0], {"missing_se": 1, "missing_ge": 1, "missing_iea": 1}),
        (PLAIN.replace("GE*1", "SE*1*0001~XX*1~GE*1"), {"stray_segment": 2}),
        (PLAIN.replace("*0*P*", "*0*T*"), {"test_data": 1}),
        (PLAIN + "-- end of file --\n", {"junk": 1}),
        ("a mail says:\n" + PLAIN, {"junk": 1}),
        (PLAIN + "\nSECOND FILE\n" + PLAIN, {"junk": 1}),
        (PLAIN + "-----~" + PLAIN, {"junk": 1}),
        (PLAIN.replace("SENDER  ", "SENDER", 1), {"isa_length": 1}),
        (PLAIN.replace("SENDER  ", "SENDER       ", 1), {"isa_length": 1}),
        ("\n".join(PLAIN[at : at + 80] for at in range(0, len(PLAIN), 80)), {"isa_length": 1}),
        (PLAIN.replace("*0*P*:~", "*0*P*~", 1), {"isa_length": 1}),
        (PLAIN.replace("*^*00501", "*00501", 1), {"isa_length": 1, "isa_unusable": 1, "control_number": 1}),
        (interchange(transaction(CLAIM.replace("SV1", "NTE*ADD*caf\xe9~SV1"))).encode("latin-1"), {"not_utf8": 1}),
    ],
)
def test_faults_of_the_envelope_are_flags_and_cost_no_claim(content, flags):
    bodies, found, _ = read(content)
    assert [body[0] for body in bodies] == [BODY[0]] * len(bodies) != []
    assert found == flags


def test_groups_of_two_senders_in_one_interchange_are_flagged():
    text = PLAIN.replace("GE*1*3~IEA*1", "GE*1*3~" + GS.replace("*SENDER", "*OTHER") + transaction() + "GE*1*3~IEA*2")
    bodies, flags, found = read(text)
    assert (bodies, flags, [one.sender for one in found]) == ([BODY, BODY], {"second_sender": 1}, ["SENDER", "OTHER"])


def test_a_transaction_that_another_envelope_interrupts_is_whole_but_for_its_end():
    bodies, flags, found = read(interchange(f"ST*837*0001~{CLAIM}", transaction(control="0002")))
    assert (bodies, flags, [one.cut for one in found]) == ([BODY, BODY], {"missing_se": 1}, [False, False])


def test_a_file_cut_in_the_middle_keeps_its_whole_segments_and_says_so():
    bodies, flags, (only,) = read(PLAIN[: PLAIN.index("99213") + 3])
    assert bodies == [BODY[:2]]
    assert flags == {"truncated": 1, "missing_se": 1, "missing_ge": 1, "missing_iea": 1}
    assert only.cut


def test_the_interchange_after_one_that_was_cut_off_is_read():
    bodies, flags, found = read(PLAIN[: PLAIN.index("99213") + 3] + marked(PLAIN, "|"))
    assert bodies == [BODY[:2], BODY]
    assert flags == {"truncated": 1, "missing_se": 1, "missing_ge": 1, "missing_iea": 1}
    assert [one.cut for one in found] == [True, False]


def test_an_element_that_reads_isa_is_no_interchange():
    body = CLAIM.replace("LX", "NM1*IL*1*ISA*VAN ISA*****MI*ISA~LX")
    assert read(interchange(transaction(body)))[:2] == ([[BODY[0], body.split("~")[1].split("*"), *BODY[1:]]], {})


@pytest.mark.parametrize("length", [LONGEST + 1, 3 * LONGEST, 5 * LONGEST + 7])
def test_a_segment_without_end_is_dropped_and_the_next_one_read(length):
    body = CLAIM.replace("LX", f"NTE*ADD*{'x' * length}~LX")
    bodies, flags, _ = read(interchange(transaction(body, count=5)))
    assert (bodies, flags) == ([BODY], {"oversized_segment": 1})


def test_long_junk_between_interchanges_is_one_flag():
    assert read(PLAIN + "junk " * LONGEST + PLAIN)[:2] == ([BODY, BODY], {"junk": 1})
    assert read("junk " * LONGEST + PLAIN)[:2] == ([BODY], {"junk": 1})


SHORT_ISA = PLAIN.replace("SENDER  ", "SENDER", 1)


def test_an_isa_of_another_length_begins_an_interchange_after_a_terminator_or_a_line_end():
    for between in ("", "\n", " \r\n "):
        bodies, flags, _ = read(PLAIN + between + marked(SHORT_ISA, "|", ":", "!", "'"))
        assert (bodies, flags) == ([BODY, BODY], {"isa_length": 1})


@pytest.mark.parametrize(
    "second", [marked(PLAIN, "|", ":", "!", "'"), marked(PLAIN, repetition="~", terminator="'"), marked(SHORT_ISA, "|")]
)
def test_nothing_is_lost_where_chunks_meet(second):
    """An interchange that begins anywhere about the end of a chunk."""
    start = len(interchange(transaction("NTE**~")))
    for before in range(0, 300, 3):
        sizes = [(LONGEST - before - start) // 2, (LONGEST - before - start + 1) // 2 - len("NTE**~")]
        first = interchange(transaction("".join(f"NTE**{'x' * size}~" for size in sizes)))
        assert LONGEST - len(first) == before
        bodies, flags, _ = read(first + second)
        assert (bodies[1:], set(flags)) == ([BODY], {"isa_length"} & set(read(second)[1]))


class Endless(io.BytesIO):
    """A file whose third segment has 20 million characters, made as it is read."""

    def __init__(self):
        super().__init__()
        self.parts = iter([PLAIN.split("SE*")[0].encode(), *(b"x" * LONGEST for _ in range(300)), b"~SE*5*0001~"])

    def read(self, size=-1):
        return next(self.parts, b"")


def test_memory_does_not_grow_with_a_segment_that_never_ends():
    stream = Endless()
    tracemalloc.start()
    try:
        (only,) = Reader(stream, lambda _: None).transactions()
        assert tracemalloc.get_traced_memory()[1] < 3 * 2**20
    finally:
        tracemalloc.stop()
    assert not only.cut


class Dripping(io.BytesIO):
    """A stream that hands out a few bytes at a time, as sockets and archives do."""

    def read(self, size=-1):
        return super().read(min(size, 37))


def test_a_stream_may_hand_out_fewer_bytes_than_asked():
    text = interchange(transaction(CLAIM.replace("A1", "\u00c9\u00e9"))).encode()
    (only,) = Reader(Dripping(text), pytest.fail).transactions()
    assert only.kind == "837P"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no readable ISA"),
        (b"claim_id,payer_id\nISA,1\n", "no readable ISA"),
        (b"ISA", "no readable ISA"),
        (PLAIN.encode("utf-16"), "UTF-16"),
        (PLAIN.encode("utf-16-le"), "UTF-16"),
        (PLAIN.encode("utf-16-be"), "UTF-16"),
        (PLAIN.encode("cp500"), "EBCDIC"),
    ],
)
def test_what_is_no_x12_is_refused_with_a_remedy(content, words):
    with pytest.raises(UnreadableFileError, match=words):
        read(content)


def test_looks_like_x12():
    yes = [PLAIN, "\ufeff" + PLAIN, "\r\n " + PLAIN, marked(PLAIN, "|"), PLAIN.replace("SENDER  ", "SENDER", 1)]
    assert all(looks_like_x12(text.encode()) for text in yes)
    assert all(looks_like_x12(PLAIN.encode(name)) for name in ("utf-16", "utf-16-le", "utf-16-be", "cp500"))
    no = [b"", b"ISA", b"claim_id,ISA\n1,2\n", b'{"resourceType": "Claim"}', "claim_id".encode("utf-16"), b"PK\x03\x04"]
    assert not any(map(looks_like_x12, no))


def test_elements_that_are_not_there_are_empty_and_dates_are_spelt():
    assert [element(["LX", "1"], index) for index in (0, 1, 2)] == ["LX", "1", ""]
    assert [iso_date(raw) for raw in ("20240105", "2024", "", "2024010x")] == ["2024-01-05", "2024", "", "2024010x"]


PIECES = ["*", "~", ":", "\n", "ISA", "ISA*", ISA, GS, "ST*837*1~", "CLM*1~", "SE*1*1~", "GE~", "IEA~", PLAIN, "\x00"]


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=30).map("".join), st.binary(max_size=20))
def test_no_bytes_raise_anything_but_unreadable(text, tail):
    try:
        bodies, _, _ = read(text.encode(errors="replace") + tail)
    except UnreadableFileError:
        return
    assert all(segment[0] for body in bodies for segment in body) or "*" in text
