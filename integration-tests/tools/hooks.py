"""What schemathesis is told beyond the contract: who calls, in turn; valid requests that get somewhere; and it writes down what was
answered."""

import itertools
import json
import os
import random

import schemathesis
from schemathesis import GenerationMode

import seeds
from callers import ACTOR_OF, MAY, NOTHING, TOKENS

# One who is the only one to call, or everyone who may.
ALONE = os.environ.get("LANYARD_TEST_ACTOR")
SEEN = open(os.environ["LANYARD_TEST_SEEN"], "a", buffering=1)
SEEDED = set()
TURNS = {}
# What is done to a version that was read, and to no other.
VERSIONED = {"decide_authorization", "close_authorization", "replace_client_keys", "change_webhook"}
# What would end those who call, if it named them.
KEPT = {"disable_user", "withdraw_grant", "disable_client", "replace_client_keys", "end_delegation", "disable_webhook"}


def name_of(operation):
    return operation.definition.raw["operationId"]


def is_valid(case):
    return bool(case.meta) and case.meta.generation.mode == GenerationMode.POSITIVE


@schemathesis.auth(refresh_interval=None)
class Turns:
    """The token of whoever may call an operation and was longest without a turn, with valid requests and with others apart."""

    def get(self, case, context):
        if ALONE:
            return TOKENS[ALONE]
        operation = name_of(context.operation)
        may = sorted(MAY.get(operation, set(TOKENS)) - NOTHING.get(operation, set()))
        return TOKENS[next(TURNS.setdefault((operation, is_valid(case)), itertools.cycle(may)))]

    def set(self, case, token, context):
        case.headers["Authorization"] = f"Bearer {token}"


def in_order(sent, *pairs):
    """Puts each pair of days in order, which the schema can't ask for."""
    for first, last in pairs:
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


def checked(npi):
    """The NPI with the check digit that its others ask for: Luhn's, over 80840 and them."""
    doubled = [int(it) * (1 + place % 2) for place, it in enumerate("80840" + npi[:9])]
    return npi[:9] + str(-sum(it // 10 + it % 10 for it in doubled) % 10)


def bent(operation, who, sent):
    """Has what is sent keep the rules that no schema can say."""
    if sent.get("cursor") is not None:
        sent["cursor"] = seeds.cursor(who, operation)
        if sent["cursor"] is None:
            del sent["cursor"]
    if operation in ("list_authorizations", "search_authorizations"):
        in_order(sent, ("service_from", "service_to"), ("created_from", "created_to"))
    elif operation == "search_members":
        by_one(sent)
    elif operation in ("list_providers", "list_diagnosis_codes"):
        if not any(it.isalnum() for it in sent.get("q", "a")):
            sent["q"] = "care"
        if "npi" in sent:
            sent["npi"] = checked(sent["npi"])
    elif operation in ("list_trail", "search_trail"):
        for name in ("from", "to"):
            sent.pop(name, None)
        if operation == "list_trail" and (sent.get("subject") or not sent.get("actor")):
            sent["subject"] = seeds.known(who)[0]
    elif operation == "list_deadlines" and sent.get("subject"):
        # Of all prefixes some are of ids.
        sent["subject"] = seeds.known("P1")[0]
    elif operation == "list_events":
        sent.pop("after", None)
    elif operation in ("create_webhook", "change_webhook"):
        # Which addresses everyone can reach no schema says.
        sent["url"] = seeds.HOOK_URL
    elif operation == "replay_webhook":
        sent["after"] = "2026-01-01T00:00:00Z"
    if sent.get("site_id") and operation != "create_authorization":
        sent["site_id"] = seeds.site_of(who)["id"]


def is_seeded(operation, who):
    """Each operation at least once for each who may; beyond that a fourth goes as it was made, and in a chain of steps what is found."""
    if ALONE and "create" not in operation and operation not in KEPT | {"decide_authorization", "close_authorization"}:
        return False
    return operation in KEPT or (operation, who) not in SEEDED or random.randrange(4) > 0


@schemathesis.hook
def before_call(context, case, kwargs):
    """Has valid requests keep the rules that no schema can say, and most of them name what there is."""
    operation = name_of(case.operation)
    who = ACTOR_OF.get((case.headers or {}).get("Authorization"))
    if who is None or not is_valid(case) or case.method != case.operation.method.upper():
        return
    if who not in MAY.get(operation, TOKENS):
        # What is wrong with a query is said before who may ask.
        (case.query or {}).pop("cursor", None)
        return
    # An emergency access is of another caller, or over.
    case.headers.pop("Emergency-Access", None)
    if operation not in VERSIONED:
        # And a version that was made up is of nothing.
        case.headers.pop("If-Match", None)
    if case.method != "GET":
        # A program must send a key, and one that came with another body is refused.
        case.headers["Idempotency-Key"] = case.id
    bent(operation, who, case.body if isinstance(case.body, dict) else case.query or {})
    if operation in seeds.SEEDS and is_seeded(operation, who):
        SEEDED.add((operation, who))
        seeds.SEEDS[operation](case, who)


@schemathesis.hook
def after_call(context, case, response):
    who = ACTOR_OF.get((case.headers or {}).get("Authorization"))
    if who is None or case.method != case.operation.method.upper():
        return
    operation = name_of(case.operation)
    SEEN.write(json.dumps([operation, who, response.status_code]) + "\n")
    if operation == "create_webhook" and response.status_code == 201 and response.json()["id"] != seeds.webhook(who):
        # One owner has ten that are active, and no more.
        seeds.post(who, f"/v1/webhooks/{response.json()['id']}/disable", {})
