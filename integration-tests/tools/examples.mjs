// Tries out every operation on the docs page, as the page shows it and in an order that makes things before they are moved.
import assert from "node:assert/strict";

// What takes more than a click: an assertion that its client signs, a delegation that came by letter.
const UNSENT = ["approve_delegation", "create_token"];

const TURNS = {
  "single-site": `create_authorization list_authorizations search_authorizations get_authorization get_eligibility list_services
    list_procedure_codes search_members list_providers list_diagnosis_codes get_me list_trail search_trail open_emergency_access
    list_emergency_accesses get_emergency_access get_live get_ready get_metrics get_openapi_json get_openapi_yaml get_problem get_jwks
    get_authorization_server get_smart_configuration`,
  physician: "get_policy list_deadlines decide_authorization close_authorization",
  operator: "list_jobs",
  "site-administrator": `list_users create_user get_user grant_role withdraw_grant list_delegations record_delegation get_delegation
    end_delegation create_webhook change_webhook list_webhooks get_webhook test_webhook list_webhook_deliveries rotate_webhook
    replay_webhook disable_webhook enable_webhook list_events`,
  administrator: "create_user list_clients create_client get_client replace_client_keys disable_client enable_client",
  compliance: "approve_grant disable_user enable_user review_emergency_access",
};

export async function tryAll(page, contract, token, told = () => {}) {
  const tags = Object.fromEntries(
    Object.values(contract.paths).flatMap((it) => Object.values(it)).map((it) => [it.operationId, it.tags[0]]),
  );
  const turns = Object.entries(TURNS).map(([who, text]) => [who, text.split(/\s+/)]);
  assert.deepEqual([...new Set(turns.flatMap(([, names]) => names)), ...UNSENT].sort(), Object.keys(tags).sort());
  const wrong = [];
  for (const [who, names] of turns) {
    await authorize(page, token(who));
    for (const name of names) {
      const operation = page.locator(`#operations-${tags[name]}-${name}`);
      await operation.locator(".opblock-summary-control").click();
      await operation.locator(".execute").click();
      const answer = operation.locator(".live-responses-table .response").first();
      await answer.waitFor({ timeout: 20_000 }).catch(() => {});
      const said = (await answer.count()) ? await answer.innerText() : "nothing was sent";
      if (!/^2\d\d/.test(said.trim())) wrong.push(`${name} as ${who}: ${said.slice(0, 400)}`);
      told(`${name}: ${said.slice(0, 3)}`);
      // Each that stays open makes the page slower.
      await operation.locator(".opblock-summary-control").click();
    }
  }
  assert.deepEqual(wrong, []);
}

export async function authorize(page, token) {
  await page.click(".scheme-container .authorize");
  const out = page.locator(".modal-ux .auth-btn-wrapper button", { hasText: "Logout" });
  if (await out.count()) await out.click();
  await page.fill(".modal-ux input", token);
  const looked = page.waitForResponse((it) => it.url().endsWith("/v1/me"));
  await page.click(".modal-ux .modal-btn.authorize");
  await page.click(".modal-ux .btn-done");
  await looked;
  await page.waitForLoadState("networkidle");
}
