"""Who may call what, by the contract, against what was seen: each operation answered each role that may call it, and no other.

Takes the folder where fuzz.py left what was seen."""

import json
import sys
from pathlib import Path


# What scopes don't say: a token is asked for with an assertion, which no fuzzer makes; a program has no emergencies.
ASSERTED = "create_token"


def operations(contract):
    """Each operation: its id, and its alternatives, each the scopes that it takes."""
    for path in contract["paths"].values():
        for it in path.values():
            if it["operationId"] == ASSERTED:
                continue
            alternatives = [{scope for scopes in one.values() for scope in scopes} for one in it["security"]]
            yield it["operationId"], alternatives


def may(name, role, alternatives, scopes):
    if role == "ehr_vendor" and name == "open_emergency_access":
        return False
    return any(needed <= set(scopes) for needed in alternatives)


def forbidden(contract, role, scopes):
    return [name for name, alternatives in operations(contract) if not may(name, role, alternatives, scopes)]


def cells(contract, roles):
    """Each operation with each role, but for what there is nothing of."""
    for name, alternatives in operations(contract):
        for role, scopes in roles.items():
            nothing = role == "ehr_vendor" and name == "get_emergency_access"
            # Whoever may see webhooks and add none has none to see.
            unmade = name in ("get_webhook", "list_webhook_deliveries") and "webhooks:update" not in scopes
            if not nothing and not (unmade and may(name, role, alternatives, scopes)):
                yield name, role, may(name, role, alternatives, scopes)


def complaints(contract, roles, seen):
    """What is wrong with the answers `seen`, of (role, operation, status), by `roles`, which have these scopes."""
    known = set(contract["components"]["schemas"]["Scope"]["enum"])
    for name, alternatives in operations(contract):
        for scope in set().union(*alternatives) - known:
            yield f"{name} takes the scope {scope}, which isn't one"
    for name, role, permitted in cells(contract, roles):
        statuses = {status for by, of, status in seen if (by, of) == (role, name)}
        served = any(200 <= it < 300 for it in statuses)
        if permitted:
            if not served:
                yield f"{name} never answered {role}, who may call it; seen: {sorted(statuses)}"
        elif served:
            yield f"{name} answered {role}, who may not call it"
        elif 403 not in statuses:
            yield f"{name} never refused {role}, who may not call it; seen: {sorted(statuses)}"


def controls(contract, roles, seen):
    """Asks of each cell whether its failure would be found: what is right is turned around, and must be complained of."""
    for name, role, permitted in cells(contract, roles):
        others = {it for it in seen if it[:2] != (role, name)}
        wrong = 403 if permitted else 200
        for turned in [others, others | {(role, name, wrong)}]:
            if len(list(complaints(contract, roles, turned))) != 1:
                yield f"not found out: {name} answering {role} only {sorted(turned - others)}"


if __name__ == "__main__":
    run = Path(sys.argv[1])
    contract, roles = json.loads((run / "contract").read_text()), json.loads((run / "roles").read_text())
    seen = {tuple(json.loads(it)) for it in (run / "seen").read_text().splitlines()}
    # Only what is in order can be turned around.
    wrong = list(complaints(contract, roles, seen)) or list(controls(contract, roles, seen))
    sys.exit("\n".join(wrong) or None)
