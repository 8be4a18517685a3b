"""Who may call what, by the table that was written by hand, against what was seen: each operation answered each actor who may call
it, and no other. Takes the folder where fuzz.py left what was seen."""

import json
import sys
from pathlib import Path

from callers import ACTORS, MAY, NOTHING


def cells():
    """Each operation with each actor, but for what there is nothing of."""
    for name, may in MAY.items():
        for actor in ACTORS.keys() - NOTHING.get(name, set()):
            yield name, actor, actor in may


def complaints(contract, seen):
    """What is wrong with the statuses `seen`, by operation and actor."""
    there = {it["operationId"]: it["security"] for path in contract["paths"].values() for it in path.values()}
    secured = {name: it for name, it in there.items() if it and {} not in it}
    for name in secured.keys() ^ MAY.keys():
        yield f"{name} is only in the contract, or only in the table"
    known = set(contract["components"]["schemas"]["Scope"]["enum"])
    for name, alternatives in secured.items():
        for scope in {scope for one in alternatives for scopes in one.values() for scope in scopes} - known:
            yield f"{name} takes the scope {scope}, which isn't one"
    for name, actor, permitted in cells():
        statuses = seen.get((name, actor), set())
        served = any(200 <= it < 300 for it in statuses)
        told = f"{actor} ({ACTORS[actor]}), who may{'' if permitted else ' not'} call it; seen: {sorted(statuses)}"
        if permitted and not served:
            yield f"{name} never answered {told}"
        elif served and not permitted:
            yield f"{name} answered {told}"
        elif not permitted and 403 not in statuses:
            yield f"{name} never refused {told}"


def controls(contract, seen):
    """Asks of each cell whether its failure would be found: what is right is turned around, and must be complained of."""
    for name, actor, permitted in cells():
        there = seen[name, actor]
        for turned in [set(), {403} if permitted else there | {200}]:
            if len(list(complaints(contract, seen | {(name, actor): turned}))) != 1:
                yield f"not found out: {name} answering {actor} only {sorted(turned)}"


if __name__ == "__main__":
    run = Path(sys.argv[1])
    contract = json.loads((run / "contract").read_text())
    seen = {}
    for name, actor, status in map(json.loads, (run / "seen").read_text().splitlines()):
        seen.setdefault((name, actor), set()).add(status)
    # Only what is in order can be turned around.
    wrong = list(complaints(contract, seen)) or list(controls(contract, seen))
    sys.exit("\n".join(wrong) or None)
