// The cards below the grid: each is drawn from one state of the system.

import { advice, bytes, clock, duration, element, micros, pill, rate, refill, replace, said, table, when, write } from "/ui/dom.js";

const number = (name) => ({ name, number: true });
const long = (name) => ({ name, kind: "long" });
const at = (name) => ({ name, kind: "when" });
const nothing = (words) => [element("p", { class: "quiet" }, words)];
const names = (list) => list.length > 3 ? `${list.slice(0, 3).join(", ")} and ${list.length - 3} more` : list.join(", ");

/** The parts of a card, or `empty` in words; and of whom that is not known, as they do not answer. */
function heard(asked, parts, empty) {
  const silent = asked.filter((each) => !each.answers).map((each) => each.name);
  if (silent.length === 0) {
    return parts ?? nothing(empty);
  }
  if (!parts && silent.length === asked.length) {
    return nothing("Not known: nobody who would know answers.");
  }
  return [...parts ?? nothing(empty), element("p", { class: "quiet" }, "Not known of ", said(names(silent)),
    silent.length === 1 ? ", which does not answer." : ", which do not answer.")];
}

export function showTroubles(state) {
  const list = document.getElementById("troubles");
  const since = (each) => each.for_ms === undefined ? ""
    : `for ${duration(each.for_ms)}, since ${when(state.at - each.for_ms, state.at)}`;
  // By the minute: a list that is written anew each second cannot be read aloud or copied from.
  const key = JSON.stringify(state.troubles.map((each) => [each.is, each.what, each.why, each.next,
    each.for_ms === undefined ? 0 : Math.floor(each.for_ms / (each.for_ms < 60_000 ? 1_000 : 60_000))]));
  refill(list, key, () => state.troubles.length === 0
    ? [element("li", { class: "trouble well" }, element("span", { class: "what" }, "Nothing is wrong, and nothing waits for a person."))]
    : state.troubles.map((each) => element("li", { class: `trouble ${each.is}` },
      element("span", { class: "what said" }, each.what), " ",
      element("span", { class: "quiet" }, each.is === "wrong" ? "" : "waits for a person"), " ",
      element("span", { class: "quiet" }, since(each)),
      each.why ? element("p", { class: "said" }, "Why: ", each.why) : "",
      each.next ? element("p", { class: "said" }, "Next: ", ...advice(each.next)) : "")));
}

function processesCard(state) {
  const brokers = state.brokers.map((each) => [said(each.name),
    each.answers ? (each.status.draining ? pill("warn", "stopping") : pill("ok", "ok")) : pill("bad", "no answer"),
    each.answers ? duration(each.status.uptime_ms) : "",
    each.answers ? each.status.calls_held : "",
    each.answers ? each.status.counters.answered : "",
    each.answers ? each.status.counters.refused : "",
    each.name === state.journal ? `journal, up to ${state.events?.last ?? "?"}` : ""]);
  const pid = new Map(state.nodes.map((each) => [each.name, each.status?.pid]));
  const kinds = { live: ["ok", "ok"], away: ["bad", "away"], silent: ["bad", "no answer"], unknown: ["unknown", "not known"] };
  const nodes = state.places.nodes.map((each) => [said(each.name), pill(...(each.draining ? ["warn", "stopping"] : kinds[each.presence])),
    each.host, each.up_ms ? duration(each.up_ms) : each.away_ms ? `away for ${duration(each.away_ms)}` : "", pid.get(each.name) ?? ""]);
  const gateways = state.gateways.map((each) => [said(each.name),
    each.live ? pill("ok", "ok") : each.live === null ? pill("unknown", "not known") : pill("bad", "logged in nowhere"),
    each.listen, each.brokers.join(", ")]);
  return [
    table([{ name: "broker" }, { name: "state" }, at("up"), number("calls held"), number("answered"), number("refused"), { name: "keeps" }], brokers),
    element("h3", {}, "Nodes"),
    table([{ name: "node" }, { name: "state" }, { name: "host" }, at("up"), number("process")], nodes),
    element("h3", {}, "Gateways"),
    table([{ name: "gateway" }, { name: "state" }, { name: "listens" }, { name: "logged in at" }], gateways)];
}

const groups = (state) => state.nodes.flatMap((node) => (node.status?.groups ?? []).map((group) => ({ node: node.name, ...group })));

function breakersCard(state) {
  const rows = groups(state).filter((each) => each.breaker !== "closed" || each.forced_by).map((each) => [
    said(each.capability), said(each.node),
    pill(each.breaker.endsWith("open") && each.breaker !== "half_open" ? "bad" : "warn", each.breaker.replace("_", " ")),
    said(each.forced_by || "itself"), said(each.forced_why || each.down_reason || "too many of its calls failed"),
    each.forced_since ? when(Date.parse(each.forced_since), state.at) : each.breaker_open_ms ? `for ${duration(each.breaker_open_ms)}` : ""]);
  return heard(state.nodes, rows.length === 0 ? undefined
    : [table([{ name: "capability" }, { name: "node" }, { name: "breaker" }, { name: "by" }, long("why"), at("since")], rows)],
  "All are closed, and nobody forces one.");
}

function supervisionCard(state) {
  const failures = groups(state).flatMap((group) => (group.replicas ?? []).flatMap((replica) =>
    replica.failures.map((each) => ({ ...each, at: state.at - each.ms_ago, node: group.node, replica: replica.name, generation: replica.generation }))));
  failures.sort((one, other) => other.at - one.at);
  return heard(state.nodes, failures.length === 0 ? undefined
    : [table([at("when"), { name: "replica" }, { name: "node" }, long("why"), { name: "in hand" }],
      failures.slice(0, 30).map((each) => [when(each.at, state.at), said(each.replica), said(each.node), said(each.reason), said(each.message ?? "")]))],
  "No replica has failed.");
}

function eventsCard(state) {
  if (!state.events) {
    return nothing("The journal does not answer.");
  }
  const subscribers = state.events.groups.map((each) => [said(each.capability), each.lag,
    each.oldest_unacked_ms && each.lag ? duration(each.oldest_unacked_ms) : "", each.in_flight, each.retrying, each.dead,
    each.trouble ? pill("bad", each.trouble) : said(each.patterns.join(", "))]);
  const topics = state.events.topics.map((each) => [said(each.topic), each.events, bytes(each.bytes), rate(each.rate_per_s), when(each.oldest_at, state.at)]);
  return [
    subscribers.length === 0 ? nothing("Nobody subscribes.")[0]
      : table([{ name: "subscriber" }, number("lag"), number("oldest"), number("in flight"), number("retrying"), number("dead"), { name: "listens to" }], subscribers),
    element("h3", {}, "Topics"),
    topics.length === 0 ? nothing("There are no events yet.")[0]
      : table([{ name: "topic" }, number("events"), number("bytes"), number("rate"), at("oldest")], topics),
    state.events.next ? element("p", { class: "quiet" }, "There are more: ", ...advice(`\`troupe topics ${state.file}\``)) : ""];
}

/** `is` tells it from the others, whatever they say. */
const link = (text, is, open) => element("span", { class: "links" }, element("button", { type: "button", "data-is": is, click: open }, text));

function lettersCard(state, open) {
  if (!state.events) {
    return nothing("Not known: the journal does not answer.");
  }
  const count = state.events.groups.reduce((sum, each) => sum + each.dead, 0);
  if (count === 0 && state.letters.length === 0) {
    return nothing("There are none.");
  }
  const list = `\`troupe dead-letters list ${state.file}\``;
  return [
    table([at("given up"), { name: "capability" }, { name: "topic" }, { name: "key" }, { name: "cause" }, number("tries"), long("error")],
      state.letters.map((each) => [link(when(each.last_at, state.at), each.id, () => open.letter(each)), said(each.capability), said(each.topic), said(each.key),
        each.cause, each.attempts, said(each.error.length > 120 ? `${each.error.slice(0, 120)} …` : each.error)])),
    count > state.letters.length ? element("p", { class: "quiet" }, ...advice(`Shown: ${state.letters.length} of ${count}. ${list} has all`)) : "",
    element("p", { class: "quiet" }, ...advice(`\`troupe dead-letters retry ${state.file} ID\` delivers one again`))];
}

const sagaKinds = { forward: "ok", queued: "ok", undoing: "warn", parked: "bad", paused: "warn", left_alone: "bad", failing: "warn", needs_person: "bad" };

function sagasCard(state, open) {
  const counts = Object.entries(state.sagas.counts ?? {});
  const atLeast = new Set(state.sagas.at_least ?? []);
  const list = state.sagas.list.slice(0, 50);
  const count = counts.reduce((sum, [, each]) => sum + each, 0);
  return heard(state.nodes, counts.length === 0 ? undefined : [
    element("p", {}, ...counts.flatMap(([name, each]) =>
      [pill(sagaKinds[name] ?? "unknown", `${each}${atLeast.has(name) ? " or more" : ""} ${name.replace("_", " ")}`), " "])),
    table([at("begun"), { name: "capability" }, { name: "state" }, at("at"), long("why")],
      list.map((each) => [link(when(each.since, state.at), `${each.id} ${each.capability}`, () => open.saga(each)), said(`${each.capability}.${each.operation}`),
        pill(sagaKinds[each.state] ?? "unknown", each.state.replace("_", " ")), said(each.step),
        said([each.code, each.reason].filter(Boolean).join(": "))])),
    count > list.length || atLeast.size > 0
      ? element("p", { class: "quiet" }, ...advice(`Shown: ${list.length}. \`troupe sagas list ${state.file} CAPABILITY --state STATE\` has all`)) : "",
    list.some((each) => each.state === "parked")
      ? element("p", { class: "quiet" }, ...advice(`\`troupe sagas resume ${state.file} CAPABILITY ID\` has one go on`)) : ""],
  "None runs, and none stands still.");
}

function featuresCard(state) {
  const { list, differences } = state.features ?? { list: [], differences: [] };
  if (list.length === 0) {
    return nothing("No feature moves from a legacy system.");
  }
  const rows = list.map((each) => [said(each.name), each.share === "" ? pill("unknown", "not known") : `${each.share} modern`,
    each.is_set ? said(each.who ?? "") : "the topology", said(each.why ?? ""), each.since ? when(each.since, state.at) : "",
    each.counts?.legacy ?? "", each.counts?.modern ?? "",
    !each.compares ? "not compared" : !each.counts ? "" : each.counts.different > 0
      ? pill("warn", `${each.counts.different} differ, ${each.counts.same} same`) : `${each.counts.same} same`]);
  const found = differences.map((each) => [when(each.at, state.at), said(each.feature), said(each.request),
    said(each.differences.map((one) => `${one.at} ${one.what}`).join("; ")), said(each.gateway)]);
  return [
    table([{ name: "feature" }, { name: "share" }, { name: "set by" }, long("why"), at("since"), number("to legacy"), number("to modern"),
      { name: "compared" }], rows),
    element("p", { class: "quiet" }, `Counted at gateway ${state.gateway} since its start. `,
      ...advice(`\`troupe flag set ${state.file} NAME 25% --why TEXT\` moves one`)),
    element("h3", {}, "Differences between answers"),
    found.length === 0 ? nothing("None of late.")[0]
      : table([at("when"), { name: "feature" }, { name: "request" }, long("where"), { name: "gateway" }], found)];
}

function tracesCard(state, open) {
  return heard([...state.nodes, ...state.brokers], state.traces.length === 0 ? undefined
    : [table([at("began"), { name: "what" }, number("took"), number("spans"), number("failed")],
      state.traces.slice(0, 15).map((each) => [link(when(each.at, state.at), each.trace, () => open.trace(each)), said(each.name), micros(each.us), each.spans,
        each.failed ? pill("bad", each.failed) : "0"]))],
  `No process has one. \u201ctraces: {sample: 1}\u201d in ${state.file} has all of them recorded.`);
}

function logCard(state) {
  const lines = state.brokers.flatMap((broker) => (broker.status?.events ?? [])
    .map((each) => ({ ...each, at: state.at - each.ago_ms, broker: broker.name })));
  lines.sort((one, other) => other.at - one.at);
  return heard(state.brokers, lines.length === 0 ? undefined
    : [table([at("when"), { name: "broker" }, long("what")], lines.slice(0, 20).map((each) => [when(each.at, state.at), said(each.broker),
      said(`${each.name} ${Object.entries(each.fields).filter(([name]) => name !== "incarnation").map(([name, value]) => `${name}=${value}`).join(" ")}`)]))],
  "Brokers have logged nothing.");
}

// By column: what may be wrong, and what is there.
const columns = [[
  ["breakers", "Breakers", breakersCard],
  ["supervision", "Supervision", supervisionCard],
  ["sagas", "Sagas", sagasCard],
  ["letters", "Dead letters", lettersCard],
  ["traces", "Traces", tracesCard],
  ["features", "Features that move", featuresCard],
], [
  ["processes", "Brokers, nodes, gateways", processesCard],
  ["events", "Events", eventsCard],
  ["log", "What brokers said last", logCard],
]];

export class Cards {
  #cards = new Map();
  #open;

  /** `open` shows a `saga`, `trace` or `letter`. */
  constructor(open) {
    this.#open = open;
    document.getElementById("cards").append(...columns.map((cards) => element("div", { class: "column" },
      ...cards.map(([name, title]) => {
        const body = element("div", { class: "scroll", role: "region", "aria-label": `${title}, scrolls`, tabindex: "0" });
        const held = element("p", { class: "quiet held" });
        this.#cards.set(name, { body, held, text: "", at: 0 });
        return element("section", { class: "card", id: name, "aria-labelledby": `${name}-title` },
          element("h2", { id: `${name}-title` }, title), held, body);
      }))));
  }

  show(state) {
    const selection = getSelection();
    for (const [name, , make] of columns.flat()) {
      const card = this.#cards.get(name);
      const parts = make(state, this.#open).filter((each) => each !== "");
      const text = parts.map((each) => each.outerHTML).join("");
      // Selected text is not taken away from under whoever selects it; the card says that it is old then.
      const isHeld = text !== card.text && !selection.isCollapsed && card.body.contains(selection.anchorNode);
      write(card.held, isHeld ? `As of ${clock(card.at)}, while text of it is selected.` : "");
      if (isHeld) {
        continue;
      }
      card.at = state.at;
      if (text !== card.text) {
        card.text = text;
        replace(card.body, parts);
      }
    }
  }
}
