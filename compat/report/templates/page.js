// A click on a cell shows the fields behind it; everything is in the page already.
const cells = JSON.parse(document.getElementById("cells").textContent);
const dialog = document.querySelector("dialog");
const title = dialog.querySelector("h3");
const body = dialog.querySelector("tbody");
const head = dialog.querySelector("thead");

function show(name, columns, rows) {
  title.textContent = name;
  head.replaceChildren(line("th", columns));
  body.replaceChildren(...rows.map((row) => line("td", row)));
  dialog.showModal();
}

function line(tag, texts) {
  const row = document.createElement("tr");
  for (const text of texts) row.appendChild(document.createElement(tag)).textContent = text;
  return row;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-cell], button[data-feat]");
  if (event.target === dialog) dialog.close();
  if (!button) return;
  if (button.dataset.cell) {
    const [release, api, version] = button.dataset.cell.split("/");
    const rows = cells[button.dataset.cell].map((field) => [
      field.scenario, field.step, field.path, field.kafka, field.here, field.reason ?? "new: not accepted",
    ]);
    const columns = ["scenario", "step", "field", `Kafka ${release}`, "Odradek", "reason"];
    show(`${api} version ${version} as ${release}`, columns, rows);
  } else {
    show(button.dataset.feat, ["on", "says"], [
      [`Kafka ${button.dataset.release}`, button.dataset.kafka],
      [`Odradek as ${button.dataset.release}`, button.dataset.ours],
    ]);
  }
});
