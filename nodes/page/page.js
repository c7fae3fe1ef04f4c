// Asks the gateway once a second how the system is, as long as somebody sees the page, and draws it.

import { clock, duration, shown, time, write, zone } from "/ui/dom.js";
import { Details } from "/ui/details.js";
import { Grid } from "/ui/grid.js";
import { Cards, showTroubles } from "/ui/views.js";

const interval = 1000;
const patience = 6000;
const orderPatience = 30_000;
const keptFor = 600_000;
const part = 5000;

const by = (id) => document.getElementById(id);
const details = new Details(ask, ask);
const grid = new Grid((capability, node) => details.place(capability, node));
const cards = new Cards({
  saga: (each) => details.saga(each), trace: (each) => details.trace(each), letter: (each) => details.letter(each),
});
/** What the last ten minutes were, by `part`: the worst verdict of each. */
const past = [];
const ranks = ["healthy", "degraded", "unreachable", "silent"];
let state;
let timer;
let lostAt;
let asking = false;

class Refused extends Error {}

/** Fetches JSON; with an `order` it sends that. */
async function ask(path, order) {
  const token = sessionStorage.getItem("troupe.token");
  const answer = await fetch(path, {
    method: order ? "POST" : "GET",
    body: order && JSON.stringify(order),
    cache: "no-store",
    headers: { ...token ? { "x-service-token": token } : {}, ...order ? { "Content-Type": "application/json" } : {} },
    signal: AbortSignal.timeout(order ? orderPatience : patience),
  });
  if (answer.ok) {
    return answer.json();
  }
  const problem = await answer.json().catch(() => ({}));
  const words = problem.detail ?? `the gateway answers ${answer.status}`;
  throw answer.status === 401 || answer.status === 403 ? new Refused(words) : new Error(words);
}

async function look() {
  clearTimeout(timer);
  if (document.hidden || asking) {
    return;
  }
  asking = true;
  const begun = Date.now();
  try {
    show(await ask("/ui/state"));
  } catch (fault) {
    if (fault instanceof Refused) {
      askForToken(fault.message);
      asking = false;
      return;
    }
    lose(fault, begun);
  }
  asking = false;
  timer = setTimeout(look, Math.max(200, interval - (Date.now() - begun)));
}

function show(fresh) {
  const before = state;
  state = fresh;
  by("token").hidden = true;
  by("main").hidden = false;
  document.body.classList.remove("stale");
  if (lostAt) {
    tell(`Connected again at ${clock(Date.now())}, after ${duration(Date.now() - lostAt)}`
      + (before && before.incarnation !== fresh.incarnation ? `: gateway ${fresh.gateway} was started anew.` : "."), 30_000);
    lostAt = undefined;
  }
  document.title = `${fresh.verdict === "healthy" ? "" : "! "}${shown(fresh.system)}: ${fresh.verdict}`;
  by("verdict").dataset.verdict = fresh.verdict;
  write(by("headline"), fresh.headline);
  note(fresh.at, fresh.verdict);
  const begun = performance.now();
  draw();
  requestAnimationFrame(() => setTimeout(() => {
    performance.clearMeasures("troupe.draw"); // Until it is on the screen; the newest alone.
    performance.measure("troupe.draw", { start: begun, end: performance.now() });
  }));
}

function draw() {
  if (!state) {
    return;
  }
  write(by("link"), `as of ${clock(state.at)}`);
  showTroubles(state);
  grid.show(state);
  cards.show(state);
  details.show(state);
  write(by("footer"), `${state.file}, told by gateway ${state.gateway}, at ${time(state.at)}`);
}

function lose(fault, begun) {
  lostAt ??= begun;
  document.body.classList.add("stale");
  document.title = "? no answer";
  note(Date.now(), "silent");
  write(by("link"), "not connected");
  tell(`The gateway does not answer since ${clock(lostAt)}: what is below is as of ${state ? clock(state.at) : "never"}. `
    + `Asked again every second. (${fault.name === "TimeoutError" ? `nothing within ${duration(patience)}` : fault.message})`, 0, true);
}

let quietTimer;
function tell(words, forMs, bad = false) {
  clearTimeout(quietTimer);
  const notice = by("notice");
  notice.hidden = false;
  notice.classList.toggle("bad", bad);
  write(notice, words);
  if (forMs > 0) {
    quietTimer = setTimeout(() => { notice.hidden = true; }, forMs);
  }
}

function note(at, verdict) {
  const slot = Math.floor(at / part);
  const last = past.at(-1);
  if (last?.slot === slot) {
    last.verdict = ranks[Math.max(ranks.indexOf(last.verdict), ranks.indexOf(verdict))];
  } else {
    past.push({ slot, verdict });
  }
  while (past.length > 0 && past[0].slot <= slot - keptFor / part) {
    past.shift();
  }
  showPast(slot);
}

function showPast(now) {
  const svg = by("past");
  const slots = keptFor / part;
  const width = 600 / slots;
  const key = JSON.stringify([now, past.at(-1)]);
  if (svg.dataset.key === key) {
    return;
  }
  svg.dataset.key = key;
  svg.replaceChildren(...past.map((each) => {
    const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    const fields = { x: 600 - (now - each.slot + 1) * width, y: 0, width: width - 0.8, height: 24, class: each.verdict };
    Object.entries(fields).forEach(([name, value]) => rect.setAttribute(name, value));
    return rect;
  }));
  const words = ranks.map((each) => [each, past.filter((one) => one.verdict === each).length * part])
    .filter(([, ms]) => ms > 0).map(([each, ms]) => `${each === "silent" ? "gateway silent" : each} ${duration(ms)}`).join(", ");
  write(by("past-words"), `last 10 min: ${words}`);
  svg.setAttribute("aria-label", `The last ten minutes, as far as this page was open: ${words}`);
}

function askForToken(why) {
  by("main").hidden = true;
  by("token").hidden = false;
  write(by("token-why"), why);
  write(by("headline"), "Who are you?");
  by("verdict").dataset.verdict = "unknown";
  by("token-text").focus();
}

by("token").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("troupe.token", by("token-text").value.trim());
  by("token-text").value = "";
  look();
});

function showZone() {
  write(by("zone"), zone.utc ? "UTC" : "Local time");
  by("zone").setAttribute("aria-label", zone.utc ? "UTC; show local time" : "Local time; show UTC");
}

by("zone").addEventListener("click", () => {
  zone.utc = !zone.utc;
  localStorage.setItem("troupe.zone", zone.utc ? "utc" : "local");
  showZone();
  by("troubles").dataset.key = "";
  draw();
});

const themes = ["auto", "light", "dark"];
function showTheme(name) {
  document.documentElement.dataset.theme = name;
  write(by("theme"), { auto: "Colours: system", light: "Colours: light", dark: "Colours: dark" }[name]);
}

by("theme").addEventListener("click", () => {
  const next = themes[(themes.indexOf(document.documentElement.dataset.theme) + 1) % themes.length];
  localStorage.setItem("troupe.theme", next);
  showTheme(next);
});

showTheme(themes.includes(localStorage.getItem("troupe.theme")) ? localStorage.getItem("troupe.theme") : "auto");
showZone();
document.addEventListener("visibilitychange", look);
look();
