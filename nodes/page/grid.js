// The table of capabilities and nodes. A row is drawn again only when it says something else. Rows are laid out
// each by itself (page.css), so that those out of sight cost nothing; hence the roles, which tables have by themselves.

import { duration, element, micros, rate, shown, write } from "/ui/dom.js";

/** The groups of all nodes: node, then capability. */
export function groupsOf(state) {
  return new Map(state.nodes.map((node) => [
    node.name, new Map((node.status?.groups ?? []).map((each) => [each.capability, each]))]));
}

/** Of a capability: node, then how it is there. */
export const placesOf = (state, name) => new Map((state.places.runs[name] ?? []).map((each) => [each.node, each]));

const numbers = [["rate", "calls and events handled in a second"], ["p99", "of 100 calls, 99 took no longer, from their arrival at the broker"],
  ["queue", "calls that wait at the brokers"], ["lag", "events that wait"], ["dead", "dead letters"], ["restarts", "of replicas"],
  ["sagas", "that stand still, and those that wait for their turn"]];

/** "100+" where there are more than nodes name. */
function sagasOf(row) {
  const standing = row.has_more_sagas ? `${row.sagas}+` : row.sagas;
  return row.sagas_queued ? `${standing ?? 0} +${row.sagas_queued} queued` : standing;
}

export class Grid {
  #table;
  #head;
  #body;
  #rows = new Map();
  #columns = "";
  #open;
  #find = "";
  #onlyBad = false;
  #state;

  /** `open(capability, node)` tells more about a cell. */
  constructor(open) {
    const table = document.getElementById("grid");
    this.#table = table;
    this.#head = table.tHead;
    this.#body = table.tBodies[0];
    this.#open = open;
    table.addEventListener("keydown", (event) => this.#move(event));
    table.addEventListener("focusin", (event) => this.#enter(event.target));
    document.getElementById("find").addEventListener("input", (event) => {
      this.#find = event.target.value.toLowerCase();
      this.#filter();
    });
    document.getElementById("only-bad").addEventListener("change", (event) => {
      this.#onlyBad = event.target.checked;
      this.#filter();
    });
  }

  show(state) {
    this.#state = state;
    const nodes = state.places.nodes;
    const columns = JSON.stringify(nodes.map((each) => [each.name, each.host]));
    if (columns !== this.#columns) {
      this.#columns = columns;
      this.#rows.clear();
      this.#body.replaceChildren();
      this.#showHead(nodes);
    }
    const fresh = document.createDocumentFragment();
    const present = new Set();
    for (const row of state.capabilities) {
      present.add(row.name);
      const places = placesOf(state, row.name);
      const runs = JSON.stringify([...places.keys()]);
      const before = this.#rows.get(row.name);
      let drawn = before;
      if (before?.runs !== runs) { // A gateway that was started anew may have another topology.
        drawn = { runs, ...this.#makeRow(row.name, nodes, new Set(places.keys())) };
        this.#rows.set(row.name, drawn);
        if (before) {
          before.line.replaceWith(drawn.line);
        } else {
          fresh.append(drawn.line);
        }
      }
      this.#update(drawn, row, nodes, places);
    }
    for (const [name, drawn] of this.#rows) {
      if (!present.has(name)) {
        drawn.line.remove();
        this.#rows.delete(name);
      }
    }
    this.#body.append(fresh);
    this.#filter();
    if (!this.#body.querySelector("button[tabindex='0']")) {
      this.#body.querySelector("button")?.setAttribute("tabindex", "0");
    }
  }

  #showHead(nodes) {
    this.#table.style.setProperty("--nodes", nodes.length);
    this.#head.replaceChildren(element("tr", { role: "row" },
      element("th", { scope: "col", role: "columnheader" }, "capability"),
      ...nodes.map((each) => element("th", { scope: "col", role: "columnheader" },
        element("bdi", { class: "said" }, each.name), each.host === "here" ? "" : ` on ${each.host}`)),
      ...numbers.map(([each, means]) => element("th", { scope: "col", role: "columnheader", class: "number", title: means }, each))));
  }

  #makeRow(name, nodes, runs) {
    const cells = nodes.map((node) => {
      if (!runs.has(node.name)) {
        return { cell: element("td", { role: "gridcell", class: "place quiet" }, "") };
      }
      const state = element("span", { class: "state" });
      const load = element("span", { class: "load" });
      const button = element("button", {
        type: "button", tabindex: "-1", click: () => this.#open(name, node.name),
      }, state, " ", load);
      return { state, load, button, cell: element("td", { role: "gridcell", class: "place" }, button) };
    });
    const figures = numbers.map(() => element("td", { role: "gridcell", class: "number" }));
    const line = element("tr", { role: "row" },
      element("th", { scope: "row", role: "rowheader" }, element("bdi", { class: "said" }, name)),
      ...cells.map((each) => each.cell), ...figures);
    return { line, cells, figures, said: "", bad: false };
  }

  #update(drawn, row, nodes, places) {
    const figures = [rate(row.rate_per_s), row.p99_us == null ? "" : micros(row.p99_us), row.queue, row.lag, row.dead_letters,
      row.restarts, sagasOf(row)];
    const key = JSON.stringify([[...places.values()], row.state, figures]);
    if (key === drawn.said) {
      return;
    }
    drawn.said = key;
    drawn.bad = row.state !== "ok";
    drawn.cells.forEach(({ cell, state, load, button }, i) => {
      if (!button) {
        return;
      }
      const at = places.get(nodes[i].name);
      drawn.bad ||= at.is !== "ok";
      cell.className = `place ${at.is}`;
      write(state, at.word);
      const does = at.is === "ok"
        ? [rate(at.rate_per_s), `${at.in_hand}/${at.credit}`, at.p99_us == null ? "" : micros(at.p99_us)].filter(Boolean).join(" · ") : "";
      write(load, does);
      button.setAttribute("aria-label", shown(`${row.name} on ${nodes[i].name}: ${at.word} ${does}`.trim()));
    });
    drawn.bad ||= row.dead_letters > 0 || row.sagas > 0;
    drawn.figures.forEach((cell, i) => write(cell, figures[i] ?? ""));
  }

  #filter() {
    let count = 0;
    for (const [name, drawn] of this.#rows) {
      const hidden = !name.toLowerCase().includes(this.#find) || (this.#onlyBad && !drawn.bad);
      if (drawn.line.hidden !== hidden) {
        drawn.line.hidden = hidden;
      }
      count += hidden ? 0 : 1;
    }
    const all = this.#rows.size;
    write(document.getElementById("grid-words"), count === all ? `${all} capabilities` : `${count} of ${all} capabilities`);
  }

  #enter(target) {
    if (target.tagName === "BUTTON" && target.tabIndex !== 0) {
      this.#body.querySelector("button[tabindex='0']")?.setAttribute("tabindex", "-1");
      target.setAttribute("tabindex", "0");
    }
  }

  #move(event) {
    const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    const step = steps[event.key];
    const cell = event.target.closest("td");
    if (!step || !cell) {
      return;
    }
    event.preventDefault();
    let line = cell.parentElement;
    let at = cell.cellIndex;
    do {
      line = step[0] < 0 ? line?.previousElementSibling : step[0] > 0 ? line?.nextElementSibling : line;
      at += step[1];
    } while (line && (line.hidden || (line.cells[at] && !line.cells[at].querySelector("button") && line.cells[at].classList.contains("place"))));
    line?.cells[at]?.querySelector("button")?.focus();
  }
}

/** "n1 is away for 12 s", for the details. */
export function presenceWords(node) {
  const words = { live: "is there", away: "is away", silent: "is logged in and does not answer", unknown: "is not known: no broker answers" };
  return `${node.name} ${words[node.presence]}${node.away_ms ? ` for ${duration(node.away_ms)}` : ""}`
    + (node.draining ? ", and is being stopped" : "");
}
