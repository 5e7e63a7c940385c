"""An 837P and the 835 that answers it, of any number of claims of three lines, made while they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator

LINES = 3
BATCH = 5_000  # claims of a transaction


def edi(kind: str, count: int) -> Iterator[bytes]:
    """An 837P of so many claims, or the 835 that answers it: one interchange, a claim at a time."""
    guide, group, one = ("005010X222A1", "HC", _claim) if kind == "837P" else ("005010X221A1", "HP", _remittance)
    yield (
        "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *260105*0900*^*00501*000000001*0*P*:~\n"
        f"GS*{group}*SENDER*RECEIVER*20260105*0900*1*X*{guide}~\n"
    ).encode()
    for batch in range(0, count, BATCH):
        control = f"{batch // BATCH + 1:04}"
        last = min(batch + BATCH, count)
        head = f"ST*{kind[:3]}*{control}*{guide}~\n{_HEADS[kind](last - batch)}"
        segments = head.count("~") + 1
        yield head.encode()
        for number in range(batch, last):
            text = one(number, number - batch)
            segments += text.count("~")
            yield text.encode()
        yield f"SE*{segments}*{control}~\n".encode()
    yield f"GE*{-(-count // BATCH)}*1~\nIEA*1*000000001~\n".encode()


def _claims_head(count: int) -> str:
    return (
        "BHT*0019*00*1*20260105*0900*CH~\nNM1*41*2*SUBMITTER*****46*SENDER~\nPER*IC*DESK*TE*5550100~\n"
        "NM1*40*2*RECEIVER*****46*RECEIVER~\nHL*1**20*1~\nPRV*BI*PXC*208VP0014X~\nNM1*85*2*PRACTICE*****XX*1000000001~\n"
        "N3*1 ROAD~\nN4*TOWN*KY*400010000~\nREF*EI*990000000~\n"
    )


def _claim(number: int, place: int) -> str:
    lines = "".join(
        f"LX*{line}~\nSV1*HC:6448{line + 2}:RT*{100 + number % 97}.00*UN*1***1:2~\n"
        f"DTP*472*D8*202512{1 + number % 28:02}~\nREF*6R*{number}-{line}~\n"
        for line in range(1, LINES + 1)
    )
    return (
        f"HL*{place + 2}*1*22*0~\nSBR*P*18*******MB~\nNM1*IL*1*SURNAME*GIVEN****MI*M{number:08}~\nN3*2 ROAD~\n"
        f"N4*TOWN*KY*400010000~\nDMG*D8*19{30 + number % 60}0101*F~\nNM1*PR*2*PAYER*****PI*P{number % 9}~\n"
        f"CLM*A{number:08}*{(100 + number % 97) * LINES}.00***11:B:1*Y*A*Y*Y~\nREF*G1*A{number}~\n"
        f"HI*ABK:M5416*ABF:M47{number % 10}6~\nNM1*82*1*SURNAME*GIVEN****XX*10000000{number % 20:02}~\n"
        f"PRV*PE*PXC*208VP0014X~\n{lines}"
    )


def _remittance_head(count: int) -> str:
    return (
        f"BPR*I*{count * 60 * LINES}.00*C*ACH*CCP*01*999*DA*1*1000000000**01*999*DA*2*20260105~\nTRN*1*T1*1000000000~\n"
        "DTM*405*20260105~\nN1*PR*PAYER~\nN3*1 ROAD~\nN4*TOWN*KY*400010000~\nREF*2U*P1~\nPER*BL*DESK*TE*5550100~\n"
        "N1*PE*PRACTICE*XX*1000000001~\nLX*1~\n"
    )


def _remittance(number: int, place: int) -> str:
    lines = "".join(
        f"SVC*HC:6448{line + 2}:RT*100.00*60.00**1~\nDTM*472*202512{1 + number % 28:02}~\n"
        f"CAS*CO*45*{20 + number % 7}.00~\nCAS*PR*2*{20 - number % 7}.00~\n"
        f"REF*6R*{number}-{line}~\nAMT*B6*{80 - number % 7}.00~\n"
        for line in range(1, LINES + 1)
    )
    share = (20 - number % 7) * LINES
    return (
        f"CLP*A{number:08}*1*{100 * LINES}.00*{60 * LINES}.00*{share}.00*MB*I{number}*11*1~\n"
        f"NM1*QC*1*SURNAME*GIVEN****MI*M{number:08}~\nDTM*050*20251230~\n{lines}"
    )


_HEADS: dict[str, Callable[[int], str]] = {"837P": _claims_head, "835": _remittance_head}
