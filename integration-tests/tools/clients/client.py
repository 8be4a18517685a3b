"""Uses the contract as a Python program would: asks for an authorization twice by one key, reads a problem, pages to the end."""

import os
from datetime import date, timedelta
from uuid import uuid4

from generated.lanyard import AuthenticatedClient
from generated.lanyard.api.authorizations import create_authorization, list_authorizations
from generated.lanyard.api.callers import get_me
from generated.lanyard.models import (
    AuthorizationBody,
    AuthorizationPage,
    AuthorizationRow,
    CodeType,
    Me,
    NewAuthorization,
    NewContact,
    NewLine,
    Problem,
    RequestingProvider,
    RequestType,
    Service,
    ServicingProvider,
)
from generated.lanyard.types import UNSET, Unset


def use(token: str) -> None:
    client = AuthenticatedClient(base_url=os.environ["LANYARD_TEST_URL"], token=token)
    me = get_me.sync(client=client)
    assert isinstance(me, Me)
    site, contact = me.sites[0], NewContact(name="Intake desk", phone="+16175550100")
    body = NewAuthorization(
        type_=RequestType.HOME_HEALTH_CARE,
        site_id=site.id,
        member_id="MCF0000000042",
        requested_service=Service.SKILLED_NURSING_CARE,
        requesting_provider=RequestingProvider(npi=site.npi, contact=contact),
        servicing_provider=ServicingProvider(npi="1972902351", contact=contact),
        diagnoses=["I10"],
        lines=[NewLine(code_type=CodeType.REVENUE, code="0551", units=12)],
        start_date=date.today() + timedelta(days=7),
        end_date=date.today() + timedelta(days=66),
    )
    key = str(uuid4())
    first = create_authorization.sync_detailed(client=client, body=body, idempotency_key=key)
    assert first.status_code == 201 and "Idempotency-Replayed" not in first.headers, first
    again = create_authorization.sync_detailed(client=client, body=body, idempotency_key=key)
    assert again.headers["Idempotency-Replayed"] == "true" and again.content == first.content, again
    asked = first.parsed
    assert isinstance(asked, AuthorizationBody)

    body.diagnoses, body.end_date = [], date.today()
    refused = create_authorization.sync(client=client, body=body, idempotency_key=str(uuid4()))
    assert isinstance(refused, Problem) and not isinstance(refused.errors, Unset), refused
    assert refused.type_ == "/problems/invalid-body"
    assert sorted(it.pointer for it in refused.errors) == ["/diagnoses", "/end_date"], refused.errors

    rows: list[AuthorizationRow] = []
    pages, cursor = 0, None
    while pages == 0 or cursor is not None:
        page = list_authorizations.sync(client=client, limit=10, cursor=cursor or UNSET)
        assert isinstance(page, AuthorizationPage), page
        rows, pages, cursor = rows + page.data, pages + 1, page.next_cursor
    assert pages > 1 and len(rows) > 10 * (pages - 1)
    assert len({it.id for it in rows}) == len(rows)
    assert any(it.id == asked.id and it.status == asked.status for it in rows)


for role in ["SINGLE_SITE", "EHR_VENDOR"]:
    use(os.environ[f"LANYARD_TEST_TOKEN_{role}"])
