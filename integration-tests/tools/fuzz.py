"""Runs schemathesis against the service at LANYARD_TEST_URL, as everyone who may call. Takes a folder, for what it writes down."""

import json
import os
import subprocess
import sys
from pathlib import Path

import requests

from callers import ACTORS, MAY, TOKENS, URL, token

HERE, RUN = Path(__file__).parent, Path(sys.argv[1])
SETTINGS = (HERE / "schemathesis.toml").read_text()
# Who calls alone, and who must not see what is theirs.
ALONE = """
[auth.wfc]
path = "{}"
user = "{}"
peers = {}
"""


def schemathesis(name, settings, *more, **variables):
    """Whether it went well, and what it said."""
    config = RUN / f"{name}.toml"
    config.write_text(settings)
    command = ["schemathesis", "--config-file", config, "run", HERE / "../../openapi.yaml", "--url", URL, "--no-color", *more]
    done = subprocess.run(command, env=os.environ | variables, cwd=RUN, timeout=540, text=True, capture_output=True)
    return done.returncode == 0, f"schemathesis, {name}:\n{done.stdout}{done.stderr}"


def hooked(name, settings, *more, **variables):
    known = {"PYTHONPATH": str(HERE), "SCHEMATHESIS_HOOKS": "hooks", "LANYARD_TEST_SEEN": str(RUN / "seen")}
    right, said = schemathesis(name, settings, *more, **known, **variables)
    if not right or os.environ.get("LANYARD_TEST_SHOW"):
        print(said)
    return right


def everyone():
    return hooked("everyone", SETTINGS, "--phases", "examples,coverage,fuzzing")


def alone(actor):
    """What someone made is theirs, from step to step, and a stranger's never."""
    names = [actor, "stranger"]
    bearers = [TOKENS[actor], token("hospital")]
    known = [{"name": name, "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {it}"}]} for name, it in zip(names, bearers)]
    callers = RUN / f"{actor}.json"
    callers.write_text(json.dumps({"auth": known}))
    settings = SETTINGS + ALONE.format(callers, actor, names)
    return hooked(actor, settings, "--phases", "stateful", LANYARD_TEST_ACTOR=actor)


def no_one():
    """That whoever is unknown is only ever refused must be found out, or none of the rest says anything."""
    right, said = schemathesis("no_one", SETTINGS, "--include-operation-id", "get_me")
    if right or "Authentication failed" not in said:
        print("without a token all went well:", said)
        return False
    return True


def others(contract):
    """Asks each operation as each of those who may not, with its own example; and what takes nothing, as everyone."""

    def resolved(it):
        return contract["components"]["parameters"][it["$ref"].split("/")[-1]] if "$ref" in it else it

    with (RUN / "seen").open("a") as seen, requests.Session() as session:
        for path, methods in contract["paths"].items():
            for method, it in methods.items():
                name = it["operationId"]
                plain = method == "get" and not it.get("parameters")
                for actor in sorted(ACTORS.keys() - (MAY.get(name, ACTORS.keys()) if not plain else set())):
                    content = it.get("requestBody", {}).get("content", {}).get("application/json", {})
                    there = {one["name"]: one.get("example") for one in map(resolved, it.get("parameters", []))}
                    headers = {"Authorization": f"Bearer {TOKENS[actor]}", "Idempotency-Key": f"{name}-{actor}", "If-Match": '"1.00000000"'}
                    answer = session.request(method, URL + path.format(**there), json=content.get("example"), headers=headers, timeout=10)
                    seen.write(json.dumps([name, actor, answer.status_code]) + "\n")


if __name__ == "__main__":
    contract = requests.get(f"{URL}/openapi.json", timeout=10).json()
    (RUN / "contract").write_text(json.dumps(contract))
    right = [no_one(), everyone(), *map(alone, ["P1", "S1", "P3"])]
    others(contract)
    sys.exit(not all(right))
