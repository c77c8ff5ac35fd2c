const PERIOD = 1000;
const at = id => document.getElementById(id);
let missed = 0;
let asked = false;
let drawn = "";

function made(tag, text) {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

function row(tag, texts) {
  const line = document.createElement("tr");
  line.append(...texts.map(text => made(tag, text)));
  return line;
}

function table({caption, head, rows}) {
  const box = document.createElement("div");
  const inside = document.createElement("table");
  box.className = "wide";
  box.tabIndex = 0;
  inside.append(made("caption", caption), row("th", head), ...rows.map(texts => row("td", texts)));
  box.append(inside);
  return box;
}

function end(text) {
  at("status").textContent = text;
  at("status").className = "ended";
  at("ending").hidden = at("share").hidden = true;
}

function show(now) {
  if (!now.state) return;
  document.body.dataset.state = now.state;
  at("share").value = now.share;
  at("facts").replaceChildren(...now.facts.flatMap(([name, text]) => [made("dt", name), made("dd", text)]));
  at("tables").replaceChildren(...now.tables.map(table));
  if (now.picture !== drawn) {
    const read = new DOMParser().parseFromString(now.picture || "<svg/>", "image/svg+xml");
    at("picture").replaceChildren(document.importNode(read.documentElement, true));
    drawn = now.picture;
  }
  if (now.ended) end(now.status);
  else at("status").textContent = asked && now.state === "training" ? TEXTS.stopping : now.status;
  at("stop").disabled = asked || now.state !== "training";
}

async function poll() {
  try {
    const answer = await fetch("data", {cache: "no-store", signal: AbortSignal.timeout(5000)});
    if (!answer.ok) throw new Error(answer.status);
    const now = await answer.json();
    missed = 0;
    show(now);
    if (now.ended) return;
  } catch {
    missed += 1;
    if (missed > 3) return end(TEXTS.lost);
  }
  setTimeout(poll, PERIOD);
}

at("stop").addEventListener("click", async () => {
  asked = true;
  at("stop").disabled = true;
  at("status").textContent = TEXTS.stopping;
  try {
    const answer = await fetch("stop", {method: "POST"});
    if (!answer.ok) throw new Error(answer.status);
  } catch {
    asked = false;
    at("stop").disabled = false;
  }
});

poll();
