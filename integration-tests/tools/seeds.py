"""Valid requests that get somewhere: what no schema can say of an operation's body, and things to move that are there."""

import itertools
from datetime import date, timedelta
from functools import cache

from callers import call

CONTACT = {"name": "Intake desk", "phone": "+16175550100"}
MEMBERS = ["MCF0000000042", "HMO0000000051", "HMO0000000052", "ASO0000000062"]
HOOK_URL = "https://hooks.example.org/lanyard"
KEYS_URL = "https://client.example/jwks.json"
WHY = {"reason": "It has to be."}
SEEDS = {}
number = itertools.count().__next__


def seed(*operations):
    """Has a function, given a case and who calls, make the case of each of these operations one that the rules take."""

    def put(function):
        SEEDS.update(dict.fromkeys(operations, function))
        return function

    return put


def day(ahead):
    return str(date.today() + timedelta(days=ahead))


def unlike():
    """A text like none before in this run."""
    return f"fuzz-{number()}"


def post(who, path, body):
    """What is made or moved, by a request of its own."""
    return call(who, "POST", path, json=body, headers={"Idempotency-Key": unlike()})


@cache
def me(who):
    return call(who, "GET", "/v1/me").json()


def site_of(who):
    """The first site of whoever has one, and for the plan's people the first of all."""
    return next(iter(me(who)["sites"]), me("P1")["sites"][0])


@cache
def known(who):
    """The authorizations that someone sees; for those who see none, those of a site."""
    there = call(who, "GET", "/v1/authorizations").json()["data"] if "list_authorizations" in me(who)["operations"] else []
    return [it["id"] for it in there] or known("P1")


@cache
def policy():
    return call("R3", "GET", "/v1/policy").json()


@cache
def cursor(who, operation):
    """Where a list goes on for someone: a cursor is its caller's alone."""
    requests = {
        "list_authorizations": ("GET", "/v1/authorizations?limit=1", None),
        "search_authorizations": ("POST", "/v1/authorizations/search", {"limit": 1}),
        "list_providers": ("GET", "/v1/providers?limit=1", None),
        "search_members": ("POST", "/v1/members/search", {"last_name": "ba", "limit": 1}),
        "list_users": ("GET", "/v1/users?limit=1", None),
    }
    if operation not in requests:
        return None
    method, path, body = requests[operation]
    return call(who, method, path, json=body).json()["next_cursor"]


@cache
def members():
    """Members for whom no one has opened anything, each taken once."""
    names = ["al", "ba", "be", "ca", "ch", "co", "de", "fe", "ga", "gr", "ha", "jo", "ka", "le", "ma", "mo", "na", "pe", "ro", "sa", "wh"]
    found = [call("P1", "POST", "/v1/members/search", json={"last_name": it, "limit": 200}).json()["data"] for it in names]
    return iter(sorted({it["id"] for some in found for it in some}))


def emergency():
    return {"member_id": next(members()), "reason_code": "treatment", "reason": "The member is in our emergency room."}


@cache
def opened(who):
    return post(who, "/v1/emergency-access", emergency()).json()["id"]


@cache
def webhook(who):
    """A webhook that someone sees: an own one, and for those who add none that of a site."""
    if "create_webhook" not in me(who)["operations"]:
        return webhook("P3")
    return post(who, "/v1/webhooks", {"url": HOOK_URL, "site_ids": [site_of(who)["id"]]}).json()["id"]


def user():
    """A user of a site, with a role there."""
    body = {"login": unlike(), "name": "Ana Rivera", "kind": "person", "role": "portal_user", "site_id": site_of("P3")["id"]}
    return post("P3", "/v1/users", body).json()


def client():
    body = {"name": "Meadowlark", "scopes": ["authorizations:read"], "jwks_url": KEYS_URL}
    return post("A1", "/v1/clients", body).json()["id"]


def delegation(who):
    portal = who == "P3"
    return {
        "agent_id": client(),
        "role": "ehr_vendor",
        "site_id": site_of(who)["id"],
        "channel": "portal" if portal else "letter",
        "paper": None if portal else "files/1",
        "first_on": day(0),
        "last_on": None,
    }


def asked(who, body=None):
    """A request that the rules take, with what `body` has of its own."""
    body = body or {}
    site = site_of(who)
    contact = (body.get("servicing_provider") or {}).get("contact") or CONTACT
    urgency = body.get("urgency") or "standard"
    lines = body.get("lines") or [{"units": 12}]
    return {
        "type": "home_health_care",
        "site_id": site["id"],
        "member_id": MEMBERS[0],
        "requested_service": "skilled_nursing_care",
        "urgency": urgency,
        "urgency_reason": (body.get("urgency_reason") or "Pain") if urgency == "expedited" else None,
        "requesting_provider": {"npi": site["npi"], "contact": CONTACT},
        "servicing_provider": {"npi": "1972902351", "contact": contact},
        "diagnoses": ["I10", "E11.9"],
        "lines": [{"code_type": "revenue", "code": "0551", "units": lines[0]["units"]}],
        "start_date": day(7),
        "end_date": day(66),
        "remarks": body.get("remarks"),
    }


@seed("create_authorization")
def ask(case, who):
    case.body = asked(who, case.body)


@seed("get_authorization")
def see(case, who):
    case.path_parameters["id"] = known(who)[number() % len(known(who))]


@seed("decide_authorization", "close_authorization")
def rule(case, who):
    """On an authorization of its own, which waits for a clinician: a start so far ahead goes to one."""
    made = post("P1", "/v1/authorizations", asked("P1") | {"start_date": day(300), "end_date": day(310)}).json()["id"]
    there = call(who, "GET", f"/v1/authorizations/{made}")
    case.path_parameters["id"] = made
    case.headers["If-Match"] = there.headers["ETag"]
    if case.operation.definition.raw["operationId"] == "close_authorization":
        case.body["reason_code"] = next(iter(policy()["close_reasons"]))
        return
    verdicts = [it for it in there.json()["actions"] if it in ("approve", "deny", "pend", "review")]
    outcome = case.body["outcome"] if case.body["outcome"] in verdicts else verdicts[-1]
    reason_code = next(iter(policy()["decide_reasons"][outcome]))
    case.body = {"outcome": outcome, "reason_code": reason_code, "reason": case.body["reason"]}


@seed("get_eligibility")
def cover(case, who):
    case.body["member_id"] = MEMBERS[number() % len(MEMBERS)]


@seed("get_emergency_access")
def seen(case, who):
    case.path_parameters["id"] = opened(who)


@seed("open_emergency_access")
def open_one(case, who):
    case.body = emergency()


@seed("review_emergency_access")
def review(case, who):
    case.path_parameters["id"] = post("P1", "/v1/emergency-access", emergency()).json()["id"]


@seed("create_user")
def add_user(case, who):
    case.body = {"login": unlike(), "name": case.body["name"], "kind": "person", "role": "portal_user", "site_id": site_of("P3")["id"]}


@seed("get_user")
def see_user(case, who):
    case.path_parameters["id"] = me("P1")["id"]


@seed("grant_role")
def grant(case, who):
    case.path_parameters["id"] = user()["id"]
    case.body = {"role": "credentialing_delegate", "site_id": site_of("P3")["id"], "first_on": day(0), "last_on": day(30)}


@seed("approve_grant")
def approve(case, who):
    new = {"login": unlike(), "name": "A nurse", "kind": "staff", "role": "medical_review_nurse"}
    there = post("second-administrator", "/v1/users", new).json()
    case.path_parameters |= {"id": there["id"], "grant_id": there["grants"][0]["id"]}


@seed("withdraw_grant")
def withdraw(case, who):
    there = user()
    case.path_parameters |= {"id": there["id"], "grant_id": there["grants"][0]["id"]}


@seed("disable_user")
def disable_user(case, who):
    case.path_parameters["id"] = user()["id"]


@seed("enable_user")
def enable_user(case, who):
    case.path_parameters["id"] = user()["id"]
    post("A1", f"/v1/users/{case.path_parameters['id']}/disable", WHY)


@seed("record_delegation")
def record(case, who):
    case.body = delegation(who)


@seed("get_delegation", "end_delegation")
def end(case, who):
    case.path_parameters["id"] = post("P3", "/v1/delegations", delegation("P3")).json()["id"]


@seed("approve_delegation")
def approve_delegation(case, who):
    case.path_parameters["id"] = post("second-administrator", "/v1/delegations", delegation("second-administrator")).json()["id"]


@seed("create_client")
def add_client(case, who):
    case.body = {"name": case.body["name"], "scopes": case.body["scopes"], "jwks_url": KEYS_URL}


@seed("get_client", "disable_client")
def see_client(case, who):
    case.path_parameters["id"] = client()


@seed("enable_client")
def enable_client(case, who):
    case.path_parameters["id"] = client()
    post("A1", f"/v1/clients/{case.path_parameters['id']}/disable", WHY)


@seed("replace_client_keys")
def replace(case, who):
    case.path_parameters["id"] = client()
    case.headers["If-Match"] = call(who, "GET", f"/v1/clients/{case.path_parameters['id']}").headers["ETag"]
    case.body = {"jwks_url": KEYS_URL}


@seed("create_webhook")
def add_webhook(case, who):
    case.body["site_ids"] = [site_of(who)["id"]]


@seed("change_webhook")
def change_webhook(case, who):
    case.path_parameters["id"] = webhook(who)
    case.headers["If-Match"] = call(who, "GET", f"/v1/webhooks/{webhook(who)}").headers["ETag"]
    case.body["site_ids"] = [site_of(who)["id"]]


@seed("get_webhook", "list_webhook_deliveries", "rotate_webhook", "test_webhook", "disable_webhook", "enable_webhook", "replay_webhook")
def to_webhook(case, who):
    """The webhook that there is, from where the move can be made."""
    case.path_parameters["id"] = webhook(who)
    operation = case.operation.definition.raw["operationId"]
    if case.method == "POST":
        there = call(who, "GET", f"/v1/webhooks/{webhook(who)}").json()["status"]
        if there != ("disabled" if operation == "enable_webhook" else "active"):
            post(who, f"/v1/webhooks/{webhook(who)}/{'disable' if there == 'active' else 'enable'}", {})


@seed("get_problem")
def problem(case, who):
    case.path_parameters["slug"] = "invalid-body"
