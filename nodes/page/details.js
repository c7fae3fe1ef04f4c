// What is shown about one cell, saga, trace or dead letter.

import { advice, clock, duration, element, micros, pill, placeOfKeyboard, rate, said, table, takeKeyboardTo, time, write } from "/ui/dom.js";
import { groupsOf, placesOf, presenceWords } from "/ui/grid.js";
import { Orders, ordersOfBreaker, ordersOfLetter, ordersOfSaga } from "/ui/orders.js";

const facts = (pairs) => element("dl", {}, ...pairs.filter(([, value]) => value !== "" && value !== undefined && value !== null)
  .flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value instanceof Node ? value : said(value))]));

/** Records that are of the saga as a whole. */
const ofNoStep = new Set(["started", "queued", "completed", "compensated"]);

export class Details {
  #dialog = document.getElementById("details");
  #title = document.getElementById("details-title");
  #body = document.getElementById("details-body");
  #ask;
  #orders;
  #state;
  #place;
  #from;

  /** `ask(path)` fetches JSON; `give(path, words)` sends an order. */
  constructor(ask, give) {
    this.#ask = ask;
    this.#orders = new Orders(document.getElementById("details-orders"), give);
    document.getElementById("details-close").addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("close", () => {
      this.#place = undefined;
      const at = document.activeElement;
      if (this.#from && (at === document.body || this.#dialog.contains(at))) { // What it was opened from was drawn anew.
        takeKeyboardTo(this.#from);
      }
    });
    this.#dialog.addEventListener("click", (event) => {
      if (event.target === this.#dialog) {
        this.#dialog.close();
      }
    });
  }

  close() {
    this.#dialog.close();
  }

  /** What is open about a cell stays up to date. */
  show(state) {
    this.#state = state;
    if (this.#place && !this.#body.contains(document.activeElement)) {
      this.#showPlace();
    }
  }

  place(capability, node) {
    this.#begin(`${capability} on ${node}`);
    this.#place = { capability, node };
    this.#showPlace();
    const group = groupsOf(this.#state).get(node)?.get(capability);
    this.#offer("breakers", group ? ordersOfBreaker(capability, node, group.forced_by !== "") : []);
  }

  letter(each) {
    this.#begin(`Dead letter of ${each.capability}`);
    this.#offer("letters", ordersOfLetter(each));
    this.#body.replaceChildren(facts([
      ["id", each.id], ["event", `${each.event_id}, position ${each.position}`], ["topic", each.topic], ["key", each.key],
      ["cause", each.cause], ["tries", each.attempts], ["first tried", time(each.first_at)], ["given up", time(each.last_at)],
      ["on", `${each.node}, replica ${each.replica}`], ["error", each.error], ["trace", each.traceparent]]),
    element("p", {}, ...advice(`\`troupe dead-letters retry ${this.#state.file} ${each.id}\` delivers it again, \`troupe why ${this.#state.file} ${each.event_id}\` tells its life`)));
  }

  async saga(each) {
    this.#begin(`Saga ${each.id}`);
    this.#offer("sagas", ordersOfSaga(each));
    await this.#fill(`/ui/sagas/${encodeURIComponent(each.capability)}/${each.id}`, (history) => [
      facts([["operation", `${history.capability}.${history.operation}`], ["state", history.state], ["at", history.step],
        ["why", [each.code, each.reason].filter(Boolean).join(": ")], ["owned by", history.owner || "nobody now"],
        ["effects that stand", history.effects.join(", ")], ["deadline", time(history.deadline)], ["cannot be read", history.unread]]),
      element("h3", {}, "Time line"),
      element("ol", { class: "line" }, ...history.records.map((record) => element("li", { class: /fail|park|refus|reject/.test(record.what) ? "bad" : /done|complet/.test(record.what) ? "ok" : "" },
        element("span", { class: "quiet" }, clock(record.at)), " ",
        element("strong", { class: "said" }, [record.what, ofNoStep.has(record.what) ? "" : record.step].filter(Boolean).join(" ")),
        record.attempt > 1 ? ` try ${record.attempt}` : "", record.note ? element("div", { class: "said" }, record.note) : ""))),
      history.next ? element("p", { class: "quiet" }, "There are more records.") : "",
      element("p", {}, ...advice(`\`troupe saga show ${this.#state.file} ${each.id}\` has inputs and replies`
        + (each.state === "parked" ? `; \`troupe sagas resume ${this.#state.file} ${each.capability} ${each.id}\` has it go on` : "")))]);
  }

  async trace(each) {
    this.#begin(`Trace ${each.trace}`);
    await this.#fill(`/ui/traces/${each.trace}`, ({ spans, silent, cut }) => {
      const missing = [silent.length > 0 ? `What ${silent.join(", ")} may have of it is missing: no answer.` : "",
        cut.length > 0 ? `${cut.join(", ")} may have had more spans of it: the oldest are left out.` : "",
        spans.length === 0 ? "No process has spans of it any more: each keeps its newest 1,024 for each of its threads." : ""].filter(Boolean)
        .map((words) => element("p", { class: "said" }, words));
      if (spans.length === 0) {
        return missing;
      }
      const begin = Math.min(...spans.map((span) => span.start_us));
      const whole = Math.max(1, ...spans.map((span) => span.start_us + span.us - begin));
      const rows = inOrder(spans).map(([span, depth]) => {
        const name = element("td", {}, said(span.name));
        name.style.paddingInlineStart = `${0.6 + Math.min(depth, 12) * 0.9}rem`;
        return element("tr", {},
          name,
          element("td", {}, said(span.node)),
          element("td", { class: "number" }, micros(span.us)),
          element("td", { class: "bar" }, bar((span.start_us - begin) / whole, span.us / whole, span.failed)),
          element("td", { class: "long quiet" }, said(Object.entries(span.notes)
            .filter(([key]) => key !== "troupe.capability" && key !== "messaging.message.id")
            .map(([key, value]) => `${key}=${value}`).join(" "))));
      });
      const made = table([{ name: "span" }, { name: "in" }, { name: "took", number: true }, { name: "when" }, { name: "notes" }], []);
      made.tBodies[0].append(...rows);
      made.className = "bars";
      return [facts([["began", time(begin / 1000)], ["took", micros(whole)], ["spans", spans.length]]), ...missing,
        element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Spans" }, made)];
    });
  }

  #begin(title) {
    this.#place = undefined;
    this.#orders.offer([]);
    write(this.#title, title);
    this.#body.replaceChildren(element("p", { class: "quiet" }, "Asking …"));
    if (!this.#dialog.open) {
      const region = document.activeElement.closest("[role='region']");
      this.#from = region && placeOfKeyboard(region);
      this.#dialog.showModal();
    }
  }

  /** Where the gateway passes such orders on. */
  #offer(kind, orders) {
    this.#orders.offer((this.#state.orders ?? []).includes(kind) ? orders : []);
  }

  async #fill(path, make) {
    try {
      this.#body.replaceChildren(...make(await this.#ask(path)));
    } catch (fault) {
      this.#body.replaceChildren(element("p", {}, `No answer: ${fault.message}`));
    }
  }

  #showPlace() {
    const { capability, node } = this.#place;
    const place = this.#state.places.nodes.find((each) => each.name === node);
    const group = groupsOf(this.#state).get(node)?.get(capability);
    const runs = placesOf(this.#state, capability).get(node);
    if (!place || !runs) {
      this.#orders.offer([]);
      this.#body.replaceChildren(element("p", {}, `${capability} does not run on ${node} any more.`));
      return;
    }
    const { is, word } = runs;
    const parts = [facts([["state", pill(is, word)], ["node", presenceWords(place)],
      ...(group ? [["down", group.down_reason], ["rate", rate(group.rate_per_s)],
        ["handlers, p99", group.p99_us === undefined ? "" : micros(group.p99_us)],
        ["calls in hand", `${group.in_hand} of ${group.credit}`],
        ["events in hand", `${group.events_in_hand} of ${group.events_credit}`],
        ["answered", `${group.answered}, ${group.failed} failed, ${group.repeats} repeats`], ["turns", group.turns],
        ["outbox", group.outbox_trouble || `${group.outbox_depth} to leave, ${group.outbox_confirmed} confirmed`],
        ["breaker", `${group.breaker.replace("_", " ")}${group.forced_by ? ` by ${group.forced_by}: ${group.forced_why}` : ""}`],
        ["restarts", group.restarts ?? 0], ["sagas", group.sagas_trouble], ["database", group.store_trouble || group.store]] : [])])];
    const replicas = group?.replicas ?? [];
    if (replicas.length > 0) {
      parts.push(element("h3", {}, "Replicas"), table([{ name: "replica" }, { name: "state" }, { name: "generation", number: true }, { name: "last failure" }],
        replicas.map((each) => [said(each.name), each.state, each.generation,
          each.failures.length === 0 ? "" : said(`${duration(each.failures.at(-1).ms_ago)} ago: ${each.failures.at(-1).reason}`)])));
    }
    this.#body.replaceChildren(...parts);
  }
}

/** [span, depth]: each below the one that caused it, in the order of time. */
function inOrder(spans) {
  const known = new Set(spans.map((each) => each.span));
  const below = new Map();
  for (const each of [...spans].sort((one, other) => one.start_us - other.start_us)) {
    const parent = known.has(each.parent) && each.parent !== each.span ? each.parent : "";
    below.set(parent, [...below.get(parent) ?? [], each]);
  }
  const list = [];
  const add = (parent, depth) => {
    const children = below.get(parent) ?? [];
    below.delete(parent); // Who causes itself is shown once.
    for (const each of children) {
      list.push([each, depth]);
      add(each.span, depth + 1);
    }
  };
  add("", 0);
  return list;
}

function bar(from, share, failed) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 100 10");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  const width = Math.max(0.6, share * 100);
  for (const [name, value] of Object.entries({ x: Math.min(from * 100, 100 - width), width, y: 0, height: 10 })) {
    rect.setAttribute(name, value);
  }
  if (failed) {
    rect.setAttribute("class", "bad");
  }
  svg.append(rect);
  return svg;
}
