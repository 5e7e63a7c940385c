"""837P, 837I, 835, 277CA, 999, 278 and FHIR with a person in every element that can carry one, each value of its own.

Every place gets its own name, address, ZIP code, telephone, date of birth or member id, so that a leak names the element
that it came from. `IDENTIFIERS` fills as the files are made; what may be kept is told by its zones.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from planted import KEPT, SENT, Planted, plain_hashes

Json = dict[str, Any]
IDENTIFIERS: dict[str, Planted] = {}
_NUMBERS = count(1000)


def _plant(place: str, *forms: str, zones: frozenset[str] = frozenset()) -> str:
    """The first form, noted under the place where it stands."""
    assert place not in IDENTIFIERS, place
    IDENTIFIERS[place] = Planted(forms, zones)
    return forms[0]


def name(place: str) -> str:
    """A name of a person, or a word that says who somebody is."""
    return _plant(place, f"ZQNAME{next(_NUMBERS)}")


def street(place: str) -> str:
    """A line of an address, or a city."""
    return _plant(place, f"ZQROAD{next(_NUMBERS)}")


def zip_code(place: str) -> str:
    """A ZIP code of nine digits."""
    number = next(_NUMBERS)
    return _plant(place, f"99073{number}", f"99073-{number}")


def telephone(place: str) -> str:
    """A number of ten digits."""
    return _plant(place, f"555017{next(_NUMBERS)}")


def born(place: str) -> str:
    """A day of 1907 or later, as X12 writes it."""
    day = date(1907, 2, 1) + timedelta(next(_NUMBERS))
    return _plant(place, f"{day:%Y%m%d}", day.isoformat(), f"{day:%m/%d/%Y}", f"{day.year}, {day.month}, {day.day}")


def member(place: str) -> str:
    """A member id or another number of a person; nor may an unkeyed hash of it stand anywhere."""
    number = f"ZQM{next(_NUMBERS)}77X"
    return _plant(place, number, *plain_hashes(number))


def kept(place: str, value: str, zones: frozenset[str] = KEPT) -> str:
    """What the store may hold, once it was planted under any place."""
    IDENTIFIERS[place] = Planted((value,), zones)
    return value


def address(place: str, state: str = "KY") -> str:
    """N3 and N4."""
    lines = f"N3*{street(f'{place} N301')}*{street(f'{place} N302')}"
    return f"{lines}~N4*{street(f'{place} N401')}*{state}*{zip_code(f'{place} N403')}~"


def contact(place: str) -> str:
    """PER."""
    told = f"{telephone(f'{place} PER04')}*EM*{name(f'{place} PER06')}@ZQMAIL*EX*{telephone(f'{place} PER08')}"
    return f"PER*IC*{name(f'{place} PER02')}*TE*{told}~"


def person(place: str, code: str, qualifier: str = "", ident: str = "") -> str:
    """NM1 of a person, with an identifier where one is given."""
    names = f"{name(f'{place} NM103')}*{name(f'{place} NM104')}*{name(f'{place} NM105')}**{name(f'{place} NM107')}"
    return f"NM1*{code}*1*{names}" + (f"*{qualifier}*{ident}~" if qualifier else "~")


def envelope(kind: str, version: str, body: str, group: str) -> str:
    """An interchange of one transaction set."""
    segments = body.count("~") + 2
    sender = f"{'SITE':<15}*ZZ*{'HOUSE':<15}"
    return (
        f"ISA*00*{'':<10}*00*{'':<10}*ZZ*{sender}*261020*1200*^*00501*000000001*0*P*:~"
        f"GS*{group}*SITE*HOUSE*20261020*1200*1*X*{version}~ST*{kind}*0001*{version}~"
        f"{body}SE*{segments}*0001~GE*1*1~IEA*1*000000001~"
    )


def claims_837(kind: str) -> str:
    """One good claim of a dependent, one of a subscriber, and one that is rejected: 837P or 837I."""
    institutional = kind == "837I"
    body = (
        f"BHT*0019*00*1*20261020*1200*CH~{person(f'{kind} 1000A', '41', '46', 'SITE')}{contact(f'{kind} 1000A')}"
        f"NM1*40*2*HOUSE*****46*HOUSE~HL*1**20*1~{person(f'{kind} 2010AA', '85', 'XX', '9800000001')}"
        f"{address(f'{kind} 2010AA')}REF*SY*{member(f'{kind} 2010AA REF*SY')}~{contact(f'{kind} 2010AA')}"
        f"NM1*87*2~{address(f'{kind} 2010AB')}HL*2*1*22*1~SBR*P**GROUP*{name(f'{kind} SBR04')}*****CI~"
        f"{_subscriber(f'{kind} 2010BA')}NM1*PR*2*BIRCH MUTUAL*****PI*SYN02~{address(f'{kind} 2010BB')}"
        f"REF*G2*{member(f'{kind} 2010BB REF*G2')}~HL*3*2*23*0~PAT*19****D8*{born(f'{kind} PAT06')}~"
        f"{person(f'{kind} 2010CA', 'QC')}{address(f'{kind} 2010CA')}DMG*D8*{born(f'{kind} 2010CA DMG02')}*F~"
        f"REF*1W*{member(f'{kind} 2010CA REF*1W')}~REF*SY*{member(f'{kind} 2010CA REF*SY')}~"
        f"{contact(f'{kind} 2010CA')}"
    )
    body += _claim(kind, f"ZQC{kind}A", institutional)
    body += f"HL*4*1*22*0~SBR*P*18*******CI~{_subscriber(f'{kind} second 2010BA')}NM1*PR*2*BIRCH MUTUAL*****PI*SYN02~"
    body += _claim(f"{kind} second", f"ZQC{kind}B", institutional)
    body += f"HL*5*1*22*0~SBR*P*18*******CI~{_broken(kind)}NM1*PR*2*BIRCH MUTUAL*****PI*SYN02~"
    body += _claim(f"{kind} bad", f"ZQBAD{kind}", institutional, bad=True)
    return envelope("837", "005010X223A2" if institutional else "005010X222A1", body, "HC")


def _subscriber(place: str) -> str:
    return (
        f"{person(place, 'IL', 'MI', member(f'{place} NM109'))}{address(place)}"
        f"DMG*D8*{born(f'{place} DMG02')}*M~REF*SY*{member(f'{place} REF*SY')}~REF*Y4*{member(f'{place} REF*Y4')}~"
        f"{contact(place)}"
    )


def _broken(kind: str) -> str:
    """A subscriber whose elements stand in each other's place."""
    place = f"{kind} broken 2010BA"
    return (
        f"{person(place, 'IL', 'MI', member(f'{place} NM109'))}{address(place)}"
        f"DMG*D8*{name(f'{place} DMG02')}*{name(f'{place} DMG03')}~"
    )


def _claim(place: str, claim_id: str, institutional: bool, bad: bool = False) -> str:
    kept(f"{place} CLM01", claim_id, SENT if bad else KEPT | SENT)
    where = "11:A:1" if institutional else "11:B:1"
    return (
        f"CLM*{claim_id}*100***{where}*Y*A*Y*Y**AA:::{name(f'{place} CLM11')}~"
        f"REF*EA*{member(f'{place} REF*EA')}~REF*D9*{member(f'{place} REF*D9')}~REF*Y4*{member(f'{place} REF*Y4')}~"
        f"REF*G1*{kept('prior authorization', 'ZQAUTH1')}~REF*F8*{kept('original reference', 'ZQICN1')}~"
        f"K3*{name(f'{place} K301')}~NTE*ADD*{name(f'{place} NTE02')}~PWK*OZ*BM***AC*{member(f'{place} PWK06')}~"
        f"HI*ABK:M47816~HI*BH:11:D8:{born(f'{place} HI*BH')}~"
        + (_attending(place) if institutional else "")
        + person(f"{place} 2310A", "DN", "XX", "9600000001")
        + f"REF*0B*{member(f'{place} 2310A REF*0B')}~"
        + person(f"{place} 2310B", "82", "XX", "9700000001")
        + f"PRV*PE*PXC*208VP0014X~REF*1G*{member(f'{place} 2310B REF*1G')}~"
        + person(f"{place} 2310C", "77", "XX", "9500000001")
        + address(f"{place} 2310C", "TN")
        + contact(f"{place} 2310C")
        + person(f"{place} 2310D", "DQ")
        + f"NM1*PW*2~{address(f'{place} 2310E')}"
        + _other_payer(place)
        + _line(place, institutional, bad)
    )


def _attending(place: str) -> str:
    return person(f"{place} attending", "71", "XX", "9400000001")


def _other_payer(place: str) -> str:
    return (
        f"SBR*S*18*{member(f'{place} 2320 SBR03')}*{name(f'{place} 2320 SBR04')}*****CI~CAS*PR*1*5~AMT*D*5~OI***Y*P**Y~"
        f"{person(f'{place} 2330A', 'IL', 'MI', member(f'{place} 2330A NM109'))}{address(f'{place} 2330A')}"
        f"REF*SY*{member(f'{place} 2330A REF*SY')}~{person(f'{place} 2330B', 'PR', 'PI', 'OTHER')}"
        f"{address(f'{place} 2330B')}DTP*573*D8*20261001~REF*F8*{member(f'{place} 2330B REF*F8')}~"
        f"{person(f'{place} 2330D', '82')}"
    )


def _line(place: str, institutional: bool, bad: bool) -> str:
    words = name(f"{place} SV101-7")
    code = f"HC:{name(f'{place} SV101-2') if bad else '64483'}:LT::::{words}"
    service = f"SV2*0360*{code}*100*UN*1~" if institutional else f"SV1*{code}*100*UN*1*11**1~"
    pointed = "" if institutional else person(f"{place} 2420A", "82", "XX", "9700000001")
    return (
        f"LX*1~{service}DTP*472*D8*20261015~REF*6R*{kept('line control number', 'ZQLINE1')}~"
        f"NTE*ADD*{kept('line note', 'ZQNOTE1')}~NTE*TPO*{name(f'{place} 2400 NTE*TPO')}~K3*{name(f'{place} 2400 K301')}~"
        f"LIN**N4*00009307303~CTP****1*ML~REF*XZ*{member(f'{place} 2410 REF*XZ')}~{pointed}"
        f"{person(f'{place} 2420E', 'DK')}{address(f'{place} 2420E')}{contact(f'{place} 2420E')}"
        f"SVD*OTHER*5*HC:64483:::::{name(f'{place} SVD03-7')}**1~CAS*PR*1*5~DTP*573*D8*20261001~"
        f"LQ*UT*01.01A~FRM*1**{name(f'{place} FRM03')}~FRM*2***{born(f'{place} FRM04')}~"
    )


def remittance_835() -> str:
    """A remittance of the good claims: denied, paid, reversed; with corrected persons and a provider's adjustment."""
    place = "835"
    body = (
        f"BPR*I*50*C*ACH*CCP*01*999*DA*{member('835 BPR09')}*1**01*999*DA*{member('835 BPR15')}*20261101~"
        f"TRN*1*{kept('trace', 'ZQTRACE1')}*1~DTM*405*20261101~N1*PR*BIRCH MUTUAL*XV*SYN02~{address('835 1000A')}"
        f"REF*2U*SYN02~{contact('835 1000A')}N1*PE*{name('835 1000B N102')}*XX*9800000001~{address('835 1000B')}"
        f"REF*TJ*{member('835 1000B REF*TJ')}~RDM*EM*{name('835 RDM02')}*{name('835 RDM03')}~LX*1~"
    )
    for number, (claim_id, status, paid, adjustment) in enumerate(
        [("ZQC837PA", "1", "0", "CAS*CO*197*100~"), ("ZQC837PB", "1", "100", ""), ("ZQC837PB", "22", "-100", ""),
         (kept("835 claim of nobody", "ZQCNOBODY"), "1", "0", "CAS*CO*16*100~")]
    ):  # fmt: skip
        body += _paid_claim(f"{place} claim {number}", claim_id, status, paid, adjustment)
    body += f"PLB*9800000001*20261231*WO:{kept('835 PLB03-2', 'ZQPLB1')}*5~"
    return envelope("835", "005010X221A1", body, "HP")


def _paid_claim(place: str, claim_id: str, status: str, paid: str, adjustment: str) -> str:
    charge = "-100" if status == "22" else "100"
    number = kept("835 CLP07", "ZQICN7")
    return (
        f"CLP*{claim_id}*{status}*{charge}*{paid}**CI*{number}*11*1~"
        f"{person(place + ' QC', 'QC', 'MI', member(place + ' QC NM109'))}"
        f"{person(place + ' IL', 'IL', 'MI', member(place + ' IL NM109'))}"
        f"{person(place + ' 74', '74', 'C', member(place + ' 74 NM109'))}"
        f"{person(place + ' 82', '82', 'XX', '9700000001')}{person(place + ' TT', 'TT', 'PI', member(place + ' TT NM109'))}"
        f"{person(place + ' PR', 'PR', 'PI', member(place + ' PR NM109'))}"
        f"{person(place + ' GB', 'GB', 'MI', member(place + ' GB NM109'))}MOA***N115~"
        f"REF*1W*{member(place + ' REF*1W')}~REF*SY*{member(place + ' REF*SY')}~REF*EA*{member(place + ' REF*EA')}~"
        f"REF*CE*{name(place + ' REF*CE')}~DTM*232*20261015~{contact(place)}AMT*AU*100~"
        f"SVC*HC:64483:LT::::{name(place + ' SVC01-7')}*{charge}*{paid}**1*HC:64483:LT::::{name(place + ' SVC06-7')}~"
        f"DTM*472*20261015~{adjustment}REF*6R*ZQLINE1~REF*0K*{name(place + ' REF*0K')}~LQ*HE*N115~"
    )


def rejections_277() -> str:
    """A 277CA that turns a claim away."""
    patient = person("277CA QC", "QC", "MI", member("277CA QC NM109"))
    body = (
        f"BHT*0085*08*1*20261021*1200*TH~HL*1**20*1~{person('277CA PR', 'PR', 'PI', 'SYN02')}TRN*1*1~DTP*050*D8*20261021~"
        f"DTP*009*D8*20261021~HL*2*1*21*1~{person('277CA 41', '41', '46', 'SITE')}TRN*2*1~STC*A1:19:PR*20261021*WQ*100~"
        f"HL*3*2*19*1~{person('277CA 85', '85', 'XX', '9800000001')}TRN*2*0~STC*A1:19:PR**WQ*100~"
        f"REF*SY*{member('277CA REF*SY')}~HL*4*3*PT~{patient}"
        f"TRN*2*{kept('277CA TRN02', 'ZQCREFUSED')}~STC*A7:164:IL*20261021*U*100********{name('277CA STC12')}~"
        f"REF*1K*{member('277CA REF*1K')}~REF*D9*{member('277CA REF*D9')}~DTP*472*D8*20261015~"
    )
    return envelope("277", "005010X214", body, "HN")


def refusals_999() -> str:
    """A 999 that copies the bad element back."""
    body = (
        "AK1*HC*1*005010X222A1~AK2*837*0001*005010X222A1~IK3*NM1*8**8~"
        f"CTX*CLM01:{member('999 CTX01')}~IK4*9*67*7*{name('999 IK404')}~IK5*R*5~AK9*R*1*1*0~"
    )
    return envelope("999", "005010X231A1", body, "FA")


def authorizations_278() -> str:
    """An answer to a request for authorization."""
    body = (
        f"BHT*0007*11*1*20261010*1200*18~HL*1**20*1~{person('278 X3', 'X3', 'PI', 'SYN02')}{contact('278 X3')}"
        f"HL*2*1*21*1~{person('278 1P', '1P', 'XX', '9800000001')}{address('278 1P')}{contact('278 1P')}HL*3*2*22*1~"
        f"{person('278 IL', 'IL', 'MI', member('278 IL NM109'))}REF*SY*{member('278 IL REF*SY')}~{address('278 IL')}"
        f"DMG*D8*{born('278 IL DMG02')}*M~HL*4*3*23*1~{person('278 QC', 'QC')}REF*EJ*{member('278 QC REF*EJ')}~"
        f"{address('278 QC')}DMG*D8*{born('278 QC DMG02')}*F~HL*5*4*EV*1~TRN*2*{member('278 TRN02')}*9~UM*HS*I*2*11:B~"
        f"HCR*A1*{kept('278 HCR02', 'ZQAUTH1')}~DTP*472*RD8*20261001-20261231~MSG*{name('278 MSG01')}~"
        f"{person('278 SJ', 'SJ', 'XX', '9700000001')}{address('278 SJ')}{contact('278 SJ')}HL*6*5*SS*0~HCR*A1*ZQAUTH1~"
        f"SV1*HC:64483:::::{name('278 SV101-7')}*100*UN*1~MSG*{name('278 service MSG01')}~"
    )
    return envelope("278", "005010X217", body, "HI")


# FHIR


def bundle() -> Json:
    """Claims, one of them rejected, an EOB and a ClaimResponse, with their parties beside them and within them."""
    parts = [_patient("Patient"), _coverage(), *_organizations(), *_practitioners(), _location()]
    claims = [_fhir_claim("Claim", KEPT | SENT), _fhir_claim("bad Claim", SENT, bad=True)]
    answers = [_answer("ExplanationOfBenefit", "claim"), _answer("ClaimResponse", "request")]
    told = [
        {"fullUrl": f"https://here/{one['resourceType']}/{one['id']}", "resource": one} for one in [*parts, *claims]
    ]
    return {"resourceType": "Bundle", "type": "collection", "entry": [*told, *({"resource": one} for one in answers)]}


def _said(place: str) -> Json:
    """What any resource may say of a person beside its own elements."""
    return {
        "text": {"status": "generated", "div": f"<div>{name(f'{place}.text')}</div>"},
        "extension": [{"url": "http://here/a", "valueString": name(f"{place}.extension")}],
        "modifierExtension": [
            {"url": "http://here/b", "valueHumanName": {"family": name(f"{place}.modifierExtension")}}
        ],
        "meta": {"tag": [{"display": name(f"{place}.meta.tag")}]},
    }


def _human(place: str) -> Json:
    """What a person is called, and where a person lives."""
    called = {"text": name(f"{place}.name.text"), "family": name(f"{place}.name.family")}
    names = [called | {"given": [name(f"{place}.name.given")]}]
    return _reached(place) | {"name": names, "address": [_address(f"{place}.address")]}


def _reached(place: str) -> Json:
    return _said(place) | {"telecom": [{"system": "phone", "value": telephone(f"{place}.telecom")}]}


def _address(place: str) -> Json:
    return {
        "text": street(f"{place}.text"), "line": [street(f"{place}.line")], "city": street(f"{place}.city"), "state": "KY",
        "district": street(f"{place}.district"), "postalCode": zip_code(f"{place}.postalCode"),
    }  # fmt: skip


def _coded(kind: str, text: str = "") -> Json:
    return {"coding": [{"code": kind, **({"display": text} if text else {})}], **({"text": text} if text else {})}


def _typed(kind: str, place: str) -> Json:
    return {"type": _coded(kind), "value": member(place), "assigner": {"display": name(f"{place}.assigner")}}


def _birth(place: str) -> str:
    day = born(place)
    return f"{day[:4]}-{day[4:6]}-{day[6:]}"


def _patient(place: str, ident: str = "p1") -> Json:
    numbers = [_typed(kind, f"{place}.identifier {kind}") for kind in ("MR", "SS", "MB")]
    return _human(place) | {
        "resourceType": "Patient", "id": ident, "identifier": numbers, "birthDate": _birth(f"{place}.birthDate"),
        "gender": name(f"{place}.gender"), "deceasedDateTime": _birth(f"{place}.deceased"),
        "contact": [_human(f"{place}.contact")], "photo": [{"title": name(f"{place}.photo")}],
    }  # fmt: skip


def _coverage() -> Json:
    return _said("Coverage") | {
        "resourceType": "Coverage", "id": "c1", "identifier": [_typed("MB", "Coverage.identifier")],
        "subscriberId": member("Coverage.subscriberId"), "dependent": name("Coverage.dependent"),
        "subscriber": {"display": name("Coverage.subscriber")}, "beneficiary": {"display": name("Coverage.beneficiary")},
        "policyHolder": {"display": name("Coverage.policyHolder")}, "type": _coded("CI", name("Coverage.type")), "order": 1,
        "payor": [{"reference": "Organization/payer", "display": name("Coverage.payor")}],
        "class": [{"type": _coded("group"), "value": member("Coverage.class"), "name": name("Coverage.class.name")}],
    }  # fmt: skip


def _organizations() -> list[Json]:
    def one(ident: str, number: Json) -> Json:
        place = f"Organization {ident}"
        whole = _reached(place) | {"contact": [_human(f"{place}.contact")], "address": [_address(f"{place}.address")]}
        numbers = [_typed("TAX", f"{place}.identifier"), number]
        return whole | {"resourceType": "Organization", "id": ident, "identifier": numbers, "name": "BIRCH MUTUAL"}

    return [one("payer", {"type": _coded("payerid"), "value": "SYN02"}), one("clinic", _npi("9800000001"))]


def _npi(number: str) -> Json:
    return {"system": "http://hl7.org/fhir/sid/us-npi", "value": number}


def _practitioners() -> list[Json]:
    return [
        _human(f"Practitioner {ident}") | {
            "resourceType": "Practitioner", "id": ident, "birthDate": _birth(f"Practitioner {ident}.birthDate"),
            "identifier": [_typed("SS", f"Practitioner {ident}.identifier"), _npi(number)],
        }
        for ident, number in (("d1", "9700000001"), ("d2", "9600000001"))
    ]  # fmt: skip


def _location() -> Json:
    whole = _reached("Location") | {"address": _address("Location.address")}
    return whole | {
        "resourceType": "Location",
        "id": "l1",
        "identifier": [_npi("9500000001")],
        "name": name("Location.name"),
    }


def _fhir_claim(place: str, zones: frozenset[str], bad: bool = False) -> Json:
    ident = kept(f"{place}.identifier", "ZQFHIRBAD" if bad else "ZQFHIRA", zones)
    return _said(place) | {
        "resourceType": "Claim", "id": f"k-{ident}", "status": "active", "use": "claim", "created": "2026-10-20",
        "contained": [_patient(f"{place}.contained Patient", "inside"), _related_person(place)],
        "identifier": [{"value": ident}], "type": _coded("professional", name(f"{place}.type")),
        "patient": {"reference": "#inside" if bad else "Patient/p1", "display": name(f"{place}.patient.display")},
        "enterer": {"display": name(f"{place}.enterer")}, "payee": {"party": {"display": name(f"{place}.payee")}},
        "provider": {"reference": "Organization/clinic", "display": name(f"{place}.provider.display")},
        "facility": {"reference": "Location/l1", "display": name(f"{place}.facility.display")},
        "accident": {"locationAddress": _address(f"{place}.accident")},
        "insurance": [{"focal": True, "coverage": {"reference": "Coverage/c1", "display": name(f"{place}.coverage.display")}}],
        "careTeam": [
            {"sequence": number, "role": _coded(role, name(f"{place}.careTeam {role}")),
             "provider": {"reference": f"Practitioner/d{number}", "display": name(f"{place}.careTeam {role}.display")}}
            for number, role in enumerate(("performing", "referring"), 1)
        ],
        "supportingInfo": [{"sequence": 1, "category": _coded("attachment"), "valueString": name(f"{place}.supportingInfo")}],
        "diagnosis": [{"sequence": 1, "diagnosisCodeableConcept": _coded("M47.816", name(f"{place}.diagnosis"))}],
        "procedure": [{"procedureCodeableConcept": {"text": name(f"{place}.procedure")}}],
        "item": [_fhir_item(place, bad)],
    }  # fmt: skip


def _related_person(place: str) -> Json:
    return _human(f"{place}.contained RelatedPerson") | {"resourceType": "RelatedPerson", "id": "kin"}


def _fhir_item(place: str, bad: bool) -> Json:
    code = name(f"{place}.item code") if bad else "64483"
    return {
        "sequence": 1, "productOrService": _coded(code, name(f"{place}.item.productOrService")), "modifier": [_coded("LT", name(f"{place}.item.modifier"))],
        "servicedDate": name(f"{place}.servicedDate") if bad else "2026-10-15", "quantity": {"value": 1, "unit": name(f"{place}.item.quantity")},
        "net": {"value": name(f"{place}.item.net") if bad else 100.0}, "bodySite": _coded("X", name(f"{place}.item.bodySite")),
        "locationAddress": _address(f"{place}.item.locationAddress"), "diagnosisSequence": [1],
        "extension": [{"url": "http://here/c", "valueString": name(f"{place}.item.extension")}],
    }  # fmt: skip


def _answer(kind: str, asked: str) -> Json:
    reason = {
        "category": _coded("denialreason", name(f"{kind}.adjudication.category")), "amount": {"value": 100.0},
        "reason": {"coding": [{"code": "CO"}, {"code": "197", "display": name(f"{kind}.reason")}], "text": name(f"{kind}.reason.text")},
        "extension": [{"url": "http://here/d", "valueString": name(f"{kind}.adjudication.extension")}],
    }  # fmt: skip
    remark = {
        "reason": {
            "coding": [
                {"system": "https://x12.org/codes/remittance-advice-remark-codes", "code": name(f"{kind}.remark")}
            ]
        }
    }
    return _said(kind) | {
        "resourceType": kind, "id": kind.lower(), "status": "active", "use": "claim", "outcome": "complete",
        "contained": [_patient(f"{kind}.contained Patient", "inside")], "created": "2026-11-01",
        "patient": {"reference": "#inside", "display": name(f"{kind}.patient.display")},
        "insurer": {"reference": "Organization/payer", "display": "BIRCH MUTUAL"},
        asked: {"reference": "Claim/k-ZQFHIRA", "display": name(f"{kind}.{asked}")},
        "disposition": name(f"{kind}.disposition"), "processNote": [{"number": 1, "text": name(f"{kind}.processNote")}],
        "identifier": [{"type": _coded("uc"), "value": kept(f"{kind}.identifier", f"ZQICN{kind[0]}")}],
        "payment": {"date": "2026-11-02", "identifier": {"value": member(f"{kind}.payment.identifier")}},
        "error": [{"code": {"text": name(f"{kind}.error")}}], "formCode": {"text": name(f"{kind}.formCode")},
        "item": [
            {"sequence": 1, "itemSequence": 1, "productOrService": _coded("64483", name(f"{kind}.item")), "servicedDate": "2026-10-15",
             "modifier": [_coded("LT")], "adjudication": [{"category": _coded("submitted"), "amount": {"value": 100.0}}, reason, remark]}
        ],
    }  # fmt: skip


FILES: dict[str, Callable[[], str]] = {
    "professional.837": lambda: claims_837("837P"), "institutional.837": lambda: claims_837("837I"), "era.835": remittance_835,
    "claims.277ca": rejections_277, "batch.999": refusals_999, "granted.278": authorizations_278,
    "bundle.json": lambda: json.dumps(bundle(), indent=1),
}  # fmt: skip


def found_in(contents: Iterable[bytes]) -> set[str]:
    """The places whose values the contents hold, in upper or lower case, in UTF-8 or UTF-16, alone or within a text."""
    places = {form.lower().encode(): place for place, one in IDENTIFIERS.items() for form in one.forms}
    plain = "|".join(re.escape(one.forms[0].lower()) for one in IDENTIFIERS.values() if one.zones)
    shapes = (
        r"zqname\d{4}|zqroad\d{4}|zqm\d{4}77x|99073-?\d{4}|555017\d{4}|19[01]\d-\d\d-\d\d|\d\d/\d\d/19[01]\d|19[01]\d{5}"
        r"|19[01]\d, \d{1,2}, \d{1,2}|[0-9a-f]{32}"
    )
    pattern = re.compile(f"(?=({shapes}|{plain}))".encode())
    texts = (text for content in contents for text in (content.lower(), content.replace(b"\0", b"").lower()))
    return {places[token] for text in texts for token in pattern.findall(text) if token in places}


def write_files(folder: Path) -> dict[str, Planted]:
    """The files, and what was planted in them."""
    IDENTIFIERS.clear()
    for file, made in FILES.items():
        (folder / file).write_text(made(), encoding="utf-8")
    return dict(IDENTIFIERS)
