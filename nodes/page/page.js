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
/** How far the gateway's clock is ahead of this machine's: all times here are the gateway's. */
let ahead = 0;
const now = () => Date.now() + ahead;

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
  const begun = performance.now();
  try {
    await lookOnce();
  } catch (fault) {
    if (fault instanceof Refused) {
      askForToken(fault.message);
      return;
    }
    lose(fault, performance.now() - begun);
  } finally {
    asking = false;
  }
  timer = setTimeout(look, Math.max(200, interval - (performance.now() - begun)));
}

async function lookOnce() {
  const fresh = await ask("/ui/state");
  try {
    show(fresh);
  } catch (fault) { // The gateway may be of another release than the page that it once served.
    console.error(fault);
    growOld("? cannot be drawn");
    tell(`The gateway answers, and this page cannot draw it: load the page anew. (${fault.message})`, 0, true);
  }
}

function show(fresh) {
  const before = state;
  state = fresh;
  ahead = fresh.at - Date.now();
  by("token").hidden = true;
  by("main").hidden = false;
  by("verdict").dataset.verdict = fresh.verdict;
  write(by("headline"), fresh.headline);
  note(fresh.at, fresh.verdict);
  const begun = performance.now();
  draw();
  document.title = `${fresh.verdict === "healthy" ? "" : "! "}${shown(fresh.system)}: ${fresh.verdict}`;
  if (lostAt) {
    tell(`Connected again at ${clock(fresh.at)}, after ${duration(Math.max(0, fresh.at - lostAt))}`
      + (before && before.incarnation !== fresh.incarnation ? `: gateway ${fresh.gateway} was started anew.` : "."), 30_000);
    lostAt = undefined;
  } else if (document.body.classList.contains("stale")) {
    by("notice").hidden = true;
  }
  document.body.classList.remove("stale");
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

/** What is shown is old. */
function growOld(title) {
  document.body.classList.add("stale");
  document.title = title;
}

/** `forMs` is how long it was waited for. */
function lose(fault, forMs) {
  lostAt ??= now() - forMs;
  growOld("? no answer");
  note(now(), "silent");
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
  let slot = Math.floor(at / part);
  if (past.length > 0 && past.at(-1).slot - slot > 60_000 / part) {
    past.length = 0; // A clock was set back.
  }
  const last = past.at(-1);
  if (last?.slot >= slot) {
    slot = last.slot;
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
  details.close();
  document.title = "? who are you";
  write(by("link"), "");
  by("notice").hidden = true;
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
