"""Runs schemathesis as each role against the service at LANYARD_TEST_URL. Takes a folder, for what it writes down."""

import json
import os
import subprocess
import sys
from pathlib import Path

import requests

import matrix

ROLES = ["portal_user", "ehr_vendor", "authorization_coordinator", "medical_review_nurse", "physician_reviewer"]
HERE, RUN, URL = Path(__file__).parent, Path(sys.argv[1]), os.environ["LANYARD_TEST_URL"]
SETTINGS = (HERE / "schemathesis.toml").read_text()
# Who calls; and for a provider's role, who must not see what is its own.
CALLER = """
[auth.wfc]
path = "{}"
user = "{}"
{}
"""
# All that can be fatal, but missing_auth: that a role is always refused what it may not call is right, and matrix.py asks for it.
REFUSED = """
[[operations]]
include-operation-id = {}
warnings = {{ display = ["missing_test_data", "validation_mismatch", "missing_deserializer", "method_not_allowed"], fail-on = true }}
"""


def token(name):
    return os.environ.get(f"LANYARD_TEST_TOKEN_{name.upper()}", "none")


def schemathesis(name, settings, *more, **variables):
    """Whether it went well, and what it said."""
    others = [name, "stranger"]
    known = [{"name": it, "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {token(it)}"}]} for it in others]
    callers, config = RUN / f"{name}.json", RUN / f"{name}.toml"
    callers.write_text(json.dumps({"auth": known}))
    peers = f"peers = {others}" if name in ("portal_user", "ehr_vendor") else ""
    config.write_text(settings + CALLER.format(callers, name, peers))
    command = ["schemathesis", "--config-file", config, "run", HERE / "../../openapi.yaml", "--url", URL, "--no-color", *more]
    done = subprocess.run(command, env=os.environ | variables, cwd=RUN, timeout=240, text=True, capture_output=True)
    return done.returncode == 0, f"schemathesis as {name}:\n{done.stdout}{done.stderr}"


def fuzz(role, forbidden):
    settings = SETTINGS + (REFUSED.format(forbidden) if forbidden else "")
    variables = {"LANYARD_TEST_ROLE": role, "LANYARD_TEST_FORBIDDEN": " ".join(forbidden), "LANYARD_TEST_SEEN": str(RUN / "seen")}
    right, said = schemathesis(role, settings, PYTHONPATH=str(HERE), SCHEMATHESIS_HOOKS="hooks", **variables)
    if not right:
        print(said)
    return right


def no_one():
    """That whoever is unknown is only ever refused must be found out, or none of the rest says anything."""
    right, said = schemathesis("no_one", SETTINGS, "--include-operation-id", "get_me")
    if right or "Authentication failed" not in said:
        print("without a token all went well:", said)
        return False
    return True


contract, roles, right = requests.get(f"{URL}/openapi.json", timeout=10).json(), {}, no_one()
for role in ROLES:
    me = requests.get(f"{URL}/v1/me", headers={"Authorization": f"Bearer {token(role)}"}, timeout=10).json()
    roles[role] = me["scopes"]
    right &= fuzz(role, matrix.forbidden(contract, role, me["scopes"]))
(RUN / "contract").write_text(json.dumps(contract))
(RUN / "roles").write_text(json.dumps(roles))
sys.exit(not right)
