// Uses the contract as a TypeScript program would: asks for an authorization twice by one key, reads a problem, pages to the end.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import createClient from "openapi-fetch";
import type { components, paths } from "./generated/contract.ts";

type NewAuthorization = components["schemas"]["NewAuthorization"];
type Row = components["schemas"]["AuthorizationRow"];

const day = (ahead: number) => new Date(Date.now() + ahead * 86_400_000).toISOString().slice(0, 10);

async function use(token: string) {
  const client = createClient<paths>({
    baseUrl: process.env["LANYARD_TEST_URL"] ?? "",
    headers: { Authorization: `Bearer ${token}` },
  });
  const me = await client.GET("/v1/me");
  const site = me.data?.sites[0];
  assert(site);

  const contact = { name: "Intake desk", phone: "+16175550100" };
  const body: NewAuthorization = {
    type: "home_health_care",
    site_id: site.id,
    member_id: "MCF0000000042",
    requested_service: "skilled_nursing_care",
    requesting_provider: { npi: site.npi, contact },
    servicing_provider: { npi: "1972902351", contact },
    diagnoses: ["I10"],
    lines: [{ code_type: "revenue", code: "0551", units: 12 }],
    start_date: day(7),
    end_date: day(66),
  };
  const params = { header: { "Idempotency-Key": randomUUID() } };
  const first = await client.POST("/v1/authorizations", { params, body });
  assert.equal(first.response.status, 201);
  assert.equal(first.response.headers.get("Idempotency-Replayed"), null);
  const again = await client.POST("/v1/authorizations", { params, body });
  assert.equal(again.response.headers.get("Idempotency-Replayed"), "true");
  assert.deepEqual(again.data, first.data);

  const wrong = { ...body, diagnoses: [], end_date: day(1) };
  const refused = await client.POST("/v1/authorizations", { params: { header: { "Idempotency-Key": randomUUID() } }, body: wrong });
  assert.equal(refused.error?.type, "/problems/invalid-body");
  assert.deepEqual(refused.error.errors?.map((it) => it.pointer).sort(), ["/diagnoses", "/end_date"]);

  const rows: Row[] = [];
  let pages = 0;
  let cursor: string | null | undefined;
  do {
    const query = cursor ? { limit: 10, cursor } : { limit: 10 };
    const page = await client.GET("/v1/authorizations", { params: { query } });
    assert(page.data);
    rows.push(...page.data.data);
    cursor = page.data.next_cursor;
    pages += 1;
  } while (cursor !== null);
  assert(pages > 1 && rows.length > 10 * (pages - 1));
  assert.equal(new Set(rows.map((it) => it.id)).size, rows.length);
  assert(rows.some((it) => it.id === first.data?.id && it.status === first.data.status));
}

for (const role of ["SINGLE_SITE", "EHR_VENDOR"]) await use(process.env[`LANYARD_TEST_TOKEN_${role}`] ?? "");
