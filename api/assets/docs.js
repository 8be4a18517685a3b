// Swagger UI on the contract, with the dates of the requests' examples moved on, so that they can be sent as they are.
const DAY = 86_400_000;
const day = (text) => Date.parse(`${text}T00:00:00Z`);

function moveOn(example) {
  if (!example?.start_date) return;
  const start = Math.floor(Date.now() / DAY) * DAY + 7 * DAY;
  const by = start - day(example.start_date);
  for (const name of ["start_date", "end_date"]) {
    example[name] = new Date(day(example[name]) + by).toISOString().slice(0, 10);
  }
}

const dark = matchMedia("(prefers-color-scheme: dark)");
const paint = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", paint);
paint();

// What Swagger UI doesn't say to those who can't see it.
const SAID = [
  ["#servers", "aria-label", "Server"],
  [".close-modal", "aria-label", "Close"],
  [".copy-to-clipboard button", "aria-label", "Copy"],
  [".modal-btn.authorize", "aria-label", "Authorize"],
  ["textarea.body-param__text", "aria-label", "Request body"],
  ["pre", "tabindex", "0"],
  // A region must be named, and a table is one already.
  ["table.responses-table", "role", "table"],
  [".modal-ux", "role", "dialog"],
  [".modal-ux", "aria-modal", "true"],
  [".modal-ux", "aria-label", "Authorization"],
  [".opblock-tag, .models > h3, .models > h4, .modal-ux h3", "aria-level", "2"],
  [".opblock-section-header h4, .responses-inner h4, .responses-inner h5, .modal-ux h4, .modal-ux h6, .model-container h4", "aria-level", "3"],
];
new MutationObserver(() => {
  for (const [where, name, value] of SAID) {
    for (const it of document.querySelectorAll(where)) {
      if (it.getAttribute(name) !== value) it.setAttribute(name, value);
    }
  }
}).observe(document.getElementById("contract"), { childList: true, subtree: true });

addEventListener("keydown", ({ key }) => key === "Escape" && document.querySelector(".modal-ux .close-modal")?.click());

// The filter finds an operation by any of its words, not a group by its exact name alone.
const Found = () => ({
  fn: {
    opsFilter: (groups, phrase) => {
      const asked = phrase.toLowerCase();
      const meant = (it, group) => [group, it.get("method"), it.get("path"), it.getIn(["operation", "summary"], "")].join(" ").toLowerCase().includes(asked);
      return groups.map((it, group) => it.update("operations", (all) => all.filter((one) => meant(one, group)))).filter((it) => it.get("operations").size);
    },
  },
});

// The name of an operation is within a button, and so may not be a link of its own.
const Plain = ({ React }) => ({ wrapComponents: { DeepLink: () => ({ text }) => React.createElement("span", null, text) } });

const spec = await fetch("/openapi.json").then((it) => it.json()).catch(() => null);
if (!spec || !window.SwaggerUIBundle) {
  document.getElementById("contract").textContent = "The contract can't be loaded at the moment. Load the page again.";
  throw new Error("the contract can't be loaded");
}
const at = (it) => (it.$ref ? it.$ref.slice(2).split("/").reduce((within, name) => within[name], spec) : it);
for (const item of Object.values(spec.paths)) {
  for (const operation of Object.values(item)) {
    moveOn(operation.requestBody?.content?.["application/json"]?.example);
    // An example of a version that may be left out is of nothing here.
    for (const it of (operation.parameters ?? []).map(at)) if (it.name === "If-Match" && !it.required) delete it.example;
  }
}
// What is found and made here is filled in where it can be moved on: its id, its version, and the grant that a user has.
const MOVES = {
  decide: (it) => ["PEND", "MEDREVIEW"].includes(it.status),
  close: (it) => ["PEND", "MEDREVIEW", "APPROVED"].includes(it.status),
  approve: (it) => it.status === "requested",
  withdraw: (it) => it.status === "active",
  end: (it) => it.status !== "ended",
  test: (it) => it.status === "active",
  replay: (it) => it.status === "active",
  review: (it) => !it.review,
  disable: (it) => it.active ?? it.status === "active",
  enable: (it) => !(it.active ?? it.status === "active"),
};
const named = Object.entries(spec.paths).flatMap(([path, item]) => {
  const [collection, move] = path.split("/{id}");
  const inner = path.includes("{grant_id}") ? "grants" : "";
  const verb = MOVES[move?.split("/").pop()] ?? (() => true);
  return move === undefined ? [] : Object.keys(item).map((method) => ({ path, method, collection, inner, verb, item: item[method] }));
});

function fillIn(operation, row, etag) {
  const grant = operation.inner && row[operation.inner]?.find(operation.verb);
  if (operation.inner ? !grant : !operation.verb(row)) return false;
  // The version of another one would be wrong.
  const values = { id: row.id, grant_id: grant?.id, "If-Match": etag };
  for (const it of (operation.item.parameters ?? []).map(at)) {
    if (values[it.name] || it.name === "If-Match") ui.specActions.changeParam([operation.path, operation.method], it.name, it.in, values[it.name], false);
  }
  return true;
}

// Of a list the first that the move can be made of; of one thing, itself.
function take(path, body, etag, operations = named) {
  for (const operation of operations) {
    if (path === operation.collection || path === `${operation.collection}/search`) {
      (body.data ?? [body]).some((row) => row.id && fillIn(operation, row, body.data ? undefined : etag));
    } else if (path.startsWith(`${operation.collection}/`) && body.id) fillIn(operation, body, etag);
  }
}

function answered(response) {
  const { pathname } = new URL(response.url, location);
  if (response.ok && response.body?.constructor === Object) take(pathname, response.body, response.headers.etag);
  return response;
}

// With a token of the demo, whose plan is there to be tried, the page looks for what the caller can move, so that the examples run;
// but not for those who call, whom a move could end.
const spared = named.filter((it) => !/users|clients/.test(it.collection));
async function look(bearer) {
  const claims = JSON.parse(atob(bearer.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
  if (!claims.iss.endsWith(".invalid/demo")) return;
  const get = async (path) => {
    const answer = await fetch(path, { headers: { Authorization: `Bearer ${bearer}` } });
    if (answer.ok) take(path.split("?")[0], await answer.clone().json(), answer.headers.get("etag"), spared);
    return answer.json();
  };
  const { operations = [] } = await get("/v1/me");
  for (const [path, item] of Object.entries(spec.paths)) {
    if (spared.some((it) => it.collection === path) && operations.includes(item.get?.operationId)) {
      const { data = [] } = await get(`${path}?limit=200`);
      const moved = data.find(MOVES.decide);
      // Only one thing by itself says its version.
      if (moved && path === "/v1/authorizations") await get(`${path}/${moved.id}`);
    }
  }
}
const Authorized = {
  statePlugins: {
    auth: {
      wrapActions: {
        authorize: (before) => (payload) => {
          look(payload.bearer?.value ?? "").catch(() => {});
          return before(payload);
        },
      },
    },
  },
};

const ui = SwaggerUIBundle({
  spec,
  responseInterceptor: answered,
  dom_id: "#contract",
  plugins: [Plain, Found, Authorized],
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  filter: true,
  // Each word in a colour of its own is half of the page.
  syntaxHighlight: { activated: false },
  tryItOutEnabled: true,
  validatorUrl: null,
});
