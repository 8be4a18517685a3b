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
# All that can be fatal, but missing_auth: that a role is always refused what it may not call is right, and matrix.py asks for it.
REFUSED = """
[[operations]]
include-operation-id = {}
warnings = {{ display = ["missing_test_data", "validation_mismatch", "missing_deserializer", "method_not_allowed"], fail-on = true }}
"""


def schemathesis(name, settings, token, *more, **variables):
    """Whether it went well, and what it said."""
    config = RUN / f"{name}.toml"
    config.write_text(settings)
    command = ["schemathesis", "--config-file", config, "run", HERE / "../../openapi.yaml", "--url", URL, "--no-color", *more]
    environment = os.environ | {"LANYARD_TEST_TOKEN": token} | variables
    done = subprocess.run(command, env=environment, cwd=RUN, timeout=240, text=True, capture_output=True)
    return done.returncode == 0, f"schemathesis as {name}:\n{done.stdout}{done.stderr}"


def fuzz(role, forbidden, token):
    settings = SETTINGS + (REFUSED.format(forbidden) if forbidden else "")
    variables = {"LANYARD_TEST_ROLE": role, "LANYARD_TEST_FORBIDDEN": " ".join(forbidden), "LANYARD_TEST_SEEN": str(RUN / "seen")}
    right, said = schemathesis(role, settings, token, PYTHONPATH=str(HERE), SCHEMATHESIS_HOOKS="hooks", **variables)
    if not right:
        print(said)
    return right


def no_one():
    """That whoever is unknown is only ever refused must be found out, or none of the rest says anything."""
    right, said = schemathesis("no one", SETTINGS, "none", "--include-operation-id", "get_me")
    if right or "Authentication failed" not in said:
        print("without a token all went well:", said)
        return False
    return True


contract, roles, right = requests.get(f"{URL}/openapi.json", timeout=10).json(), {}, no_one()
for role in ROLES:
    token = os.environ[f"LANYARD_TEST_TOKEN_{role.upper()}"]
    me = requests.get(f"{URL}/v1/me", headers={"Authorization": f"Bearer {token}"}, timeout=10).json()
    roles[me["role"]] = me["scopes"]
    right &= fuzz(role, matrix.forbidden(contract, me["scopes"]), token)
(RUN / "contract").write_text(json.dumps(contract))
(RUN / "roles").write_text(json.dumps(roles))
sys.exit(not right)
