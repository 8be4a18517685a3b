// The pages in a real browser, light and dark: nothing from elsewhere, nothing that axe minds, authorization that works; and a
// page of another origin that may call the service, and one that may not. SCREENSHOTS names a folder to look at afterwards.
// The pages are the same on each database: where there are two, each takes a part of them.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";
import { authorize, tryAll } from "./examples.mjs";

const base = process.env.LANYARD_TEST_URL;
const origin = process.env.LANYARD_TEST_ORIGIN;
const tokenOf = (name) => process.env[`LANYARD_TEST_TOKEN_${name.toUpperCase().replaceAll("-", "_")}`];
const token = tokenOf("single-site");
const folder = process.env.SCREENSHOTS;
const [half, alone] = [process.argv[2], !process.env.LANYARD_TEST_POSTGRES];
const quiet = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", ...quiet] });

async function violations(page) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.flatMap((it) => it.nodes.map((node) => `${it.id}: ${node.html.slice(0, 120)}`));
}

// Opens a page whose every word on the console, and every request to elsewhere, is noted.
async function open(context) {
  const page = await context.newPage();
  const noted = [];
  page.on("console", (it) => ["error", "warning"].includes(it.type()) && noted.push(it.text()));
  page.on("pageerror", (it) => noted.push(it.message));
  page.on("request", (it) => /^(data:|blob:)/.test(it.url()) || it.url().startsWith(base) || noted.push(it.url()));
  return { page, noted };
}

async function look(page, name) {
  assert.deepEqual(await violations(page), [], name);
  if (folder) await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
}

// Every page of the book and of the problems, with nothing cut off on a telephone; one that isn't there is a page, too.
if (alone || half === "sqlite") {
  const context = await browser.newContext({ colorScheme: "dark", viewport: { width: 360, height: 800 } });
  const { page, noted } = await open(context);
  const paths = new Set();
  for (const from of ["/problems", "/book/README.md"]) {
    await page.goto(base + from);
    const links = await page.locator("main a").evaluateAll((all) => all.map((it) => new URL(it.href).pathname));
    links.filter((it) => /^\/(book|problems)\//.test(it)).forEach((it) => paths.add(it));
  }
  assert.ok(paths.size > 80, `${paths.size} pages`);
  for (const path of paths) {
    assert.equal((await page.goto(base + path)).status(), 200, path);
    assert.deepEqual(await violations(page), [], path);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360, `${path} is wider than a telephone`);
  }
  assert.deepEqual(noted, []);
  assert.equal((await page.goto(`${base}/problems/none`)).status(), 404);
  assert.deepEqual(await violations(page), []);
  assert.match(await page.locator("h1").innerText(), /nothing here/);
  await context.close();
}

for (const scheme of half === "sqlite" ? ["light", "dark"] : ["light"]) {
  const context = await browser.newContext({ colorScheme: scheme, viewport: { width: 1200, height: 900 } });
  const { page, noted } = await open(context);
  for (const path of ["/", "/problems", "/problems/invalid-body", "/problems/authorization-action-not-permitted", "/book", "/book/errors.md", "/book/lifecycle.md"]) {
    assert.equal((await page.goto(base + path)).status(), 200);
    await look(page, scheme + path.replaceAll("/", "-"));
  }
  await page.setViewportSize({ width: 360, height: 800 });
  for (const path of ["/", "/problems/invalid-body", "/book/errors.md", "/book/quick-start.md"]) {
    await page.goto(base + path);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360, `${path} is wider than a telephone`);
  }
  await page.setViewportSize({ width: 1200, height: 900 });

  await page.goto(`${base}/docs`);
  await page.waitForSelector(".opblock");
  const contract = await page.evaluate(async () => (await fetch("/openapi.json")).json());
  const operations = [contract.paths, contract.webhooks].flatMap(Object.values).flatMap(Object.keys).length;
  assert.equal(await page.locator(".opblock").count(), operations);
  const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number));
  assert.equal(paper[0] > 128, scheme === "light");
  await look(page, `${scheme}-docs`);

  await page.click(".scheme-container .authorize");
  await page.waitForSelector(".modal-ux input");
  await look(page, `${scheme}-docs-authorize`);
  await page.keyboard.press("Escape");
  assert.equal(await page.locator(".modal-ux").count(), 0);
  await page.click(".scheme-container .authorize");
  await page.waitForSelector(".modal-ux input");
  await page.click(".modal-ux .btn-done");
  await authorize(page, token);
  const operation = page.locator("#operations-authorizations-create_authorization");
  await operation.locator(".opblock-summary-control").click();
  await operation.locator(".execute").click();
  const status = operation.locator(".live-responses-table .response .response-col_status");
  await status.waitFor();
  assert.equal((await status.innerText()).trim(), "201");
  assert.match(await operation.locator(".live-responses-table").innerText(), /"(APPROVED|PEND)"/);
  await look(page, `${scheme}-docs-answered`);
  const found = page.locator("#operations-authorizations-get_authorization");
  await found.locator(".opblock-summary-control").click();
  await found.locator(".execute").click();
  await found.locator(".live-responses-table .response .response-col_status").waitFor();
  assert.equal((await found.locator(".live-responses-table .response .response-col_status").innerText()).trim(), "200");
  // Operations of each colour, two of them open at once, and a schema.
  const put = page.locator("#operations-callers-replace_client_keys");
  await put.locator(".opblock-summary-control").click();
  await put.locator(".execute").waitFor();
  for (const it of [operation, put]) await it.getByRole("tab", { name: "Schema" }).first().click();
  await look(page, `${scheme}-docs-opened`);
  await page.setViewportSize({ width: 360, height: 800 });
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360, "an operation is wider than a telephone");
  assert.ok(await page.evaluate(() => document.querySelector(".scheme-container").offsetTop < 400), "to authorize is far down");
  await page.setViewportSize({ width: 1200, height: 900 });
  const all = Object.entries(contract.paths).flatMap(([path, it]) => Object.values(it).map(({ summary, tags }) => `${tags} ${path} ${summary}`));
  const named = all.filter((it) => it.toLowerCase().includes("emergency")).length;
  assert.ok(named > 3);
  await page.fill(".filter input", "EMERGENCY");
  // What the service sends itself stays.
  assert.equal(await page.locator(".opblock").count(), named + Object.keys(contract.webhooks).length);
  await page.fill(".filter input", "");
  if (scheme === "light" && (alone || half === "postgres")) {
    // Anew, and with nothing opened.
    await page.goto("about:blank");
    await page.goto(`${base}/docs`);
    await page.waitForSelector(".opblock");
    await tryAll(page, contract, tokenOf);
  }
  assert.deepEqual(noted, []);

  // What axe and the policy are there to catch, they catch.
  await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "window.ran = true";
    document.body.append(script, document.createElement("button"));
  });
  assert.equal(await page.evaluate(() => window.ran), undefined);
  assert.ok((await violations(page)).some((it) => it.startsWith("button-name")));
  assert.ok(noted.some((it) => it.includes("Content Security Policy")));
  await context.close();
}

// A front end of another origin: one server under two names, of which one is granted.
const portal = createServer((_, answer) => answer.setHeader("content-type", "text/html").end("<!doctype html><title>portal</title>"));
const { port } = new URL(origin);
await new Promise((then) => portal.listen(port, "127.0.0.1", then));
const page = await browser.newPage();
const call = (path, bearer, init = {}) =>
  page.evaluate(
    async ([url, bearer, init]) => {
      const headers = { authorization: `Bearer ${bearer}`, ...init.headers };
      const answer = await fetch(url, { ...init, headers }).catch((it) => ({ refused: it.name }));
      if (answer.refused) return answer;
      const seen = ["etag", "location", "idempotency-replayed", "x-request-id"].map((it) => [it, answer.headers.get(it)]);
      return { status: answer.status, body: await answer.json(), headers: Object.fromEntries(seen) };
    },
    [base + path, bearer, init],
  );

await page.goto(origin);
const me = await call("/v1/me", token);
assert.equal(me.status, 200);
assert.ok(me.headers["x-request-id"]);
const day = (ahead) => new Date(Date.now() + ahead * 86_400_000).toISOString().slice(0, 10);
const body = JSON.stringify({
  type: "home_health_care", member_id: "MCF0000000042", requested_service: "skilled_nursing_care",
  servicing_provider: { npi: "1972902351", contact: { name: "Scheduling", phone: "+16175550123" } },
  diagnoses: ["I10"], lines: [{ code_type: "revenue", code: "0551", units: 4 }], start_date: day(7), end_date: day(20),
});
const post = { method: "POST", body, headers: { "content-type": "application/json", "idempotency-key": crypto.randomUUID() } };
const [first, again] = [await call("/v1/authorizations", token, post), await call("/v1/authorizations", token, post)];
assert.equal(first.status, 201);
assert.ok(first.headers.etag && first.headers.location);
assert.deepEqual([again.body, again.headers["idempotency-replayed"]], [first.body, "true"]);
const unknown = await call("/v1/me", "x");
assert.deepEqual([unknown.status, unknown.body.type], [401, "/problems/unauthenticated"]);

await page.goto(origin.replace("localhost", "127.0.0.1"));
assert.deepEqual(await call("/v1/me", token), { refused: "TypeError" });
assert.deepEqual(await call("/v1/authorizations", token, post), { refused: "TypeError" });
portal.close();
await browser.close();
