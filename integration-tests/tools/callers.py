"""Who calls, of the matrix's actors, and what each may do by the table that was written by hand."""

import os
from pathlib import Path

import requests

URL = os.environ["LANYARD_TEST_URL"]
MATRIX = Path(__file__).parent / "../matrix"
# What no one can be answered, though they may ask: nothing assigns cases yet, a program has no emergencies, and what the plan's
# people do to users and emergencies others may only ask for.
NOTHING = {
    "get_authorization": {"R4", "F1", "F2", "F3"},
    "get_emergency_access": {"S1", "S2", "O2"},
    "review_emergency_access": {"P3", "F3"},
    "approve_grant": {"P3"},
    "approve_delegation": {"P3", "N1"},
    "disable_user": {"P3"},
}


def lines(name):
    text = (MATRIX / name).read_text().splitlines()
    return [it for it in text if it.strip() and not it.startswith("#")]


ACTORS = dict(it.split() for it in lines("actors.txt"))


def token(name):
    return os.environ[f"LANYARD_TEST_TOKEN_{name.upper().replace('-', '_')}"]


TOKENS = {actor: token(name) for actor, name in ACTORS.items()}
ACTOR_OF = {f"Bearer {it}": actor for actor, it in TOKENS.items()}


def table():
    """Of each operation the actors who aren't refused whatever they ask."""
    may = {}
    for line in lines("cells.txt"):
        operation, _, _, cells = (it.strip() for it in line.split("|"))
        actors = may.setdefault(operation.split(":")[0], set())
        for cell in filter(None, (it.strip() for it in cells.split(";"))):
            actors |= set(cell.split(":")[1].split())
    return may


MAY = table()


def call(who, method, path, **more):
    """What `who`, an actor or another caller's name, is answered; anything but 2xx is a mistake of ours."""
    bearer = TOKENS.get(who) or token(who)
    headers = {"Authorization": f"Bearer {bearer}"} | more.pop("headers", {})
    answer = requests.request(method, URL + path, headers=headers, timeout=10, **more)
    if not answer.ok:
        raise AssertionError(f"{who} {method} {path}: {answer.status_code} {answer.text[:500]}")
    return answer
