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
for (const item of Object.values(spec.paths)) {
  for (const operation of Object.values(item)) {
    moveOn(operation.requestBody?.content?.["application/json"]?.example);
  }
}
// What was asked for last is filled in where an authorization is named.
function fillIn(response) {
  const { id } = response.body ?? {};
  if (response.status !== 201 || !id) return response;
  for (const [path, item] of Object.entries(spec.paths)) {
    for (const [method, { parameters = [] }] of Object.entries(item)) {
      const named = { id, "If-Match": response.headers.etag };
      for (const it of parameters.filter((it) => path.includes("{id}") && named[it.name])) {
        ui.specActions.changeParam([path, method], it.name, it.in, named[it.name], false);
      }
    }
  }
  return response;
}

const ui = SwaggerUIBundle({
  spec,
  responseInterceptor: fillIn,
  dom_id: "#contract",
  plugins: [Plain, Found],
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  filter: true,
  syntaxHighlight: { theme: "monokai" },
  tryItOutEnabled: true,
  validatorUrl: null,
});
