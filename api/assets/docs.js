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

const answer = await fetch("/openapi.json");
const spec = await answer.json();
for (const item of Object.values(spec.paths)) {
  for (const operation of Object.values(item)) {
    moveOn(operation.requestBody?.content?.["application/json"]?.example);
  }
}
SwaggerUIBundle({
  spec,
  dom_id: "#contract",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  filter: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});
