"""What schemathesis is told beyond the contract: seeds, so that valid requests get somewhere; and it writes down what was answered."""

import json
import os
import zlib
from datetime import date, timedelta

import requests
import schemathesis
from schemathesis import GenerationMode

URL = os.environ["LANYARD_TEST_URL"]
ROLE = os.environ["LANYARD_TEST_ROLE"]
ASKS = {"Authorization": f"Bearer {os.environ['LANYARD_TEST_TOKEN_PORTAL_USER']}"}
SELF = {"Authorization": f"Bearer {os.environ['LANYARD_TEST_TOKEN_' + ROLE.upper()]}"}
CONTACT = {"name": "Intake desk", "phone": "+16175550100"}
MEMBERS = ["MCF0000000042", "HMO0000000051", "HMO0000000052", "ASO0000000062"]
FORBIDDEN = os.environ["LANYARD_TEST_FORBIDDEN"].split()
SEEN = open(os.environ["LANYARD_TEST_SEEN"], "a", buffering=1)


def call(method, path, who=SELF, **more):
    answer = requests.request(method, URL + path, headers=who | more.pop("headers", {}), timeout=10, **more)
    answer.raise_for_status()
    return answer


def day(ahead):
    return str(date.today() + timedelta(days=ahead))


SITE = call("GET", "/v1/me", ASKS).json()["sites"][0]
CURSORS = {
    "list_authorizations": call("GET", "/v1/authorizations?limit=1").json()["next_cursor"],
    "search_authorizations": call("POST", "/v1/authorizations/search", json={"limit": 1}).json()["next_cursor"],
    "list_providers": call("GET", "/v1/providers?limit=1").json()["next_cursor"],
    "search_members": call("POST", "/v1/members/search", json={"last_name": "ba", "limit": 1}).json()["next_cursor"],
}
for name in ("list_trail", "search_trail", "list_emergency_accesses", "list_deadlines", "list_jobs"):
    CURSORS[name] = None
EMERGENCY = {"reason_code": "treatment", "reason": "The member is in our emergency room."}
OPENED = None
if ROLE != "ehr_vendor":
    opened = call("POST", "/v1/emergency-access", json=EMERGENCY | {"member_id": "MCF0000000043"}).json()
    OPENED = opened["id"]
# Each is opened for a member of its own: none is opened again before its review.
NAMES = ["al", "ba", "be", "ca", "ch", "co", "de", "fe", "ga", "gr", "ha", "jo", "ka", "le", "ma", "mo", "na", "pe", "ro", "sa", "wh"]
FOUND = [call("POST", "/v1/members/search", json={"last_name": it, "limit": 200}).json()["data"] for it in NAMES]
UNSEEN = iter([it["id"] for found in FOUND for it in found if it["id"] != "MCF0000000043"])
POLICY = {} if "get_policy" in FORBIDDEN else call("GET", "/v1/policy").json()
IDS = [it["id"] for it in call("GET", "/v1/authorizations").json()["data"]]


HOOK_URL = "https://hooks.example.org/lanyard"
HOOK = None
if "create_webhook" not in FORBIDDEN:
    new = {"headers": {"Idempotency-Key": "seed"}, "json": {"url": HOOK_URL, "site_ids": [SITE["id"]]}}
    HOOK = call("POST", "/v1/webhooks", **new).json()["id"]


def to_webhook(case, verb):
    """Has the case move the webhook that there is, from where the move can be made."""
    case.path_parameters["id"] = HOOK
    case.headers["Idempotency-Key"] = case.id
    if verb == "replay":
        case.body["after"] = "2026-01-01T00:00:00Z"
    before = "disable" if verb == "enable" else "enable"
    headers = SELF | {"Idempotency-Key": case.id + before}
    # That it is so already is as good.
    requests.post(f"{URL}/v1/webhooks/{HOOK}/{before}", headers=headers, json={}, timeout=10)


def asked(body=None):
    """A request that the rules take, with what `body` has of its own."""
    body = body or {}
    contact = (body.get("servicing_provider") or {}).get("contact") or CONTACT
    urgency = body.get("urgency") or "standard"
    lines = body.get("lines") or [{"units": 12}]
    return {
        "type": "home_health_care",
        "site_id": SITE["id"],
        "member_id": MEMBERS[0],
        "requested_service": "skilled_nursing_care",
        "urgency": urgency,
        "urgency_reason": (body.get("urgency_reason") or "Pain") if urgency == "expedited" else None,
        "requesting_provider": {"npi": SITE["npi"], "contact": CONTACT},
        "servicing_provider": {"npi": "1972902351", "contact": contact},
        "diagnoses": ["I10", "E11.9"],
        "lines": [{"code_type": "revenue", "code": "0551", "units": lines[0]["units"]}],
        "start_date": day(7),
        "end_date": day(66),
        "remarks": body.get("remarks"),
    }


def checked(npi):
    """The NPI with the check digit that its others ask for: Luhn's, over 80840 and them."""
    doubled = [int(it) * (1 + place % 2) for place, it in enumerate("80840" + npi[:9])]
    return npi[:9] + str(-sum(it // 10 + it % 10 for it in doubled) % 10)


def to_move(case):
    """Has the case decide on, or close, an authorization of its own, which waits for a clinician."""
    # A start so far ahead goes to a clinician.
    new = asked() | {"start_date": day(300), "end_date": day(310)}
    number = call("POST", "/v1/authorizations", ASKS, json=new).json()["id"]
    there = call("GET", f"/v1/authorizations/{number}")
    actions = there.json()["actions"]
    case.path_parameters["id"] = number
    case.headers["If-Match"] = there.headers["ETag"]
    if case.operation.definition.raw["operationId"] == "close_authorization":
        case.body["reason_code"] = next(iter(POLICY["close_reasons"]))
        return
    verdicts = [it for it in actions if it in ("approve", "deny", "pend", "review")]
    outcome = case.body["outcome"] if case.body["outcome"] in verdicts else verdicts[-1]
    case.body = {
        "outcome": outcome,
        "reason_code": next(iter(POLICY["decide_reasons"][outcome])),
        "reason": case.body["reason"],
    }


def in_order(sent):
    """Puts each pair of days in order, which the schema can't ask for."""
    for first, last in [("service_from", "service_to"), ("created_from", "created_to")]:
        if sent.get(first) and sent.get(last):
            sent[first], sent[last] = sorted([sent[first], sent[last]])


def by_one(sent):
    """Leaves one of the three by which members are found, of which the schema can't say that there is one."""
    ways = ["member_id", "last_name", "date_of_birth"]
    way = next((it for it in ways if sent.get(it)), "last_name")
    for other in {*ways, "first_name"} - ({way, "first_name"} if way == "last_name" else {way}):
        sent.pop(other, None)
    if way == "last_name":
        sent["last_name"] = "Bap"


@schemathesis.hook
def before_call(context, case, kwargs):
    """Has valid requests keep the rules that no schema can say, and most of them name what there is."""
    operation = case.operation.definition.raw["operationId"]
    positive = case.meta and case.meta.generation.mode == GenerationMode.POSITIVE
    if not positive or case.method != case.operation.method.upper():
        return
    sent = case.body if isinstance(case.body, dict) else case.query or {}
    # By what was generated, so that the same case is always changed in the same way.
    dice = zlib.crc32(repr((case.path_parameters, case.query, case.body)).encode())
    seeded, dice = dice % 4 != 0, dice // 4
    if operation.endswith("_webhook") and case.method == "POST" and HOOK:
        # A program must send a key, and one that came with another body is refused.
        case.headers["Idempotency-Key"] = case.id
        # Which addresses everyone can reach, and what an event's id is, no schema says.
        if operation == "create_webhook":
            case.body["url"] = HOOK_URL
        elif operation == "replay_webhook":
            case.body["after"] = "2026-01-01T00:00:00Z"
    if operation == "list_deadlines" and sent.get("subject"):
        # Of all prefixes some are of ids.
        sent["subject"] = IDS[0]
    # An emergency access is of another caller, or over.
    case.headers.pop("Emergency-Access", None)
    if sent.get("cursor") is not None:
        sent["cursor"] = CURSORS.get(operation)
        if sent["cursor"] is None:
            del sent["cursor"]
    if operation in ("list_authorizations", "search_authorizations"):
        in_order(sent)
        if seeded and sent.get("site_id"):
            sent["site_id"] = SITE["id"]
    elif operation == "search_members":
        by_one(sent)
    elif operation in ("list_providers", "list_diagnosis_codes"):
        if not any(it.isalnum() for it in sent.get("q", "a")):
            sent["q"] = "care"
        if "npi" in sent:
            sent["npi"] = checked(sent["npi"])
    elif operation == "get_eligibility" and seeded:
        sent["member_id"] = MEMBERS[dice % len(MEMBERS)]
    elif operation == "list_trail":
        for name in ("from", "to"):
            sent.pop(name, None)
        if sent.get("subject") or not sent.get("actor"):
            sent["subject"] = IDS[0]
    elif operation == "get_emergency_access" and seeded and OPENED:
        case.path_parameters["id"] = OPENED
    elif operation == "open_emergency_access" and seeded and operation not in FORBIDDEN:
        case.headers["Idempotency-Key"] = case.id
        case.body = EMERGENCY | {"member_id": next(UNSEEN)}
    elif operation == "get_authorization" and seeded:
        case.path_parameters["id"] = IDS[dice % len(IDS)]
    elif operation == "list_events":
        sent.pop("after", None)
    elif operation in ("get_webhook", "list_webhook_deliveries") and seeded and HOOK:
        case.path_parameters["id"] = HOOK
    elif operation == "create_webhook" and seeded and HOOK:
        case.headers["Idempotency-Key"] = case.id
        case.body |= {"url": HOOK_URL, "site_ids": [SITE["id"]]}
    elif operation.endswith("_webhook") and case.method == "POST" and seeded and HOOK:
        to_webhook(case, operation.split("_")[0])
    elif operation == "get_problem" and seeded:
        case.path_parameters["slug"] = "invalid-body"
    elif operation == "create_authorization":
        # A key that came with another body is refused, and of a system client so is none.
        if seeded or (ROLE == "ehr_vendor" and not case.headers.get("Idempotency-Key")):
            case.headers["Idempotency-Key"] = case.id
        if seeded:
            case.body = asked(case.body)
    elif operation in ("decide_authorization", "close_authorization") and seeded and operation not in FORBIDDEN:
        to_move(case)


@schemathesis.hook
def after_call(context, case, response):
    if case.method == case.operation.method.upper():
        operation = case.operation.definition.raw["operationId"]
        SEEN.write(json.dumps([ROLE, operation, response.status_code]) + "\n")
        if operation == "create_webhook" and response.status_code == 201 and response.json()["id"] != HOOK:
            # One owner has ten that are active, and no more.
            path = f"/v1/webhooks/{response.json()['id']}/disable"
            requests.post(URL + path, headers=SELF | {"Idempotency-Key": case.id + "off"}, json={}, timeout=10)
