// Orders of a person to the system: each asks for a reason first, and says what came of it.

import { element, shown } from "/ui/dom.js";

export class Orders {
  #place;
  #give;
  #says;

  /** `place` is where the buttons are; `give(path, words)` sends an order, and gives its answer. */
  constructor(place, give) {
    this.#place = place;
    this.#give = give;
  }

  /** Offers `orders`: each has a `label`, a `path`, what it `does`, and perhaps a `node`. */
  offer(orders) {
    this.#says = element("p", { role: "status" });
    this.#place.replaceChildren(...orders.length === 0 ? [] : [
      element("h3", {}, "Orders"),
      element("div", { class: "orders" }, ...orders.map((each) => element("button", {
        type: "button", "aria-expanded": "false", click: (event) => this.#ask(each, event.currentTarget),
      }, each.label))),
      this.#says]);
  }

  #ask(order, button) {
    this.#end();
    const why = element("input", { type: "text", id: "order-why", required: true, maxlength: 1000, autocomplete: "off" });
    const form = element("form", { class: "order", submit: (event) => {
      event.preventDefault();
      this.#send(order, why.value, form, button);
    } },
    element("p", {}, order.does),
    element("label", { for: "order-why" }, "Reason, kept with the order"), why,
    element("div", { class: "orders" },
      element("button", { type: "submit" }, order.label),
      element("button", { type: "button", click: () => { this.#end(); button.focus(); } }, "Cancel")));
    button.setAttribute("aria-expanded", "true");
    this.#says.before(form);
    this.#says.textContent = "";
    why.focus();
  }

  async #send(order, why, form, button) {
    const buttons = form.querySelectorAll("button");
    buttons.forEach((each) => { each.disabled = true; }); // Twice is once.
    this.#says.textContent = "Giving the order …";
    try {
      const answer = await this.#give(order.path, { why, ...order.node ? { node: order.node } : {} });
      this.#end();
      this.#says.textContent = shown(`${order.label}: ${answer.done}`);
      button.focus();
    } catch (fault) {
      buttons.forEach((each) => { each.disabled = false; });
      this.#says.textContent = shown(`Not done: ${fault.message}`);
    }
  }

  #end() {
    this.#place.querySelector("form")?.remove();
    this.#place.querySelectorAll("[aria-expanded='true']").forEach((each) => each.setAttribute("aria-expanded", "false"));
  }
}

const path = (...parts) => `/ui/${parts.map(encodeURIComponent).join("/")}`;

export const ordersOfLetter = (each) => [
  { label: "Deliver again", path: path("letters", each.id, "retry"), does: `${each.capability} gets the event once more.` },
  { label: "Drop", path: path("letters", each.id, "drop"), does: "The letter is forgotten: the event is never handled." }];

export const ordersOfBreaker = (capability, node, isForced) => [
  { label: "Force open", path: path("breakers", capability, "open"), node, does: `Calls to ${capability} on ${node} are refused until somebody gives the breaker back.` },
  { label: "Force closed", path: path("breakers", capability, "closed"), node, does: `Calls to ${capability} on ${node} pass, however many fail.` },
  ...isForced ? [{ label: "Give back", path: path("breakers", capability, "auto"), node, does: `The breaker of ${capability} on ${node} decides by itself again.` }] : []];

export function ordersOfSaga(each) {
  const order = (label, verb, does) => ({ label, path: path("sagas", each.capability, each.id, verb), does });
  const resume = order("Resume", "resume", "It goes on where it stood.");
  const retry = order("Retry the step", "retry", "The failed step is asked again, now.");
  const back = order("Compensate", "compensate", "It turns back, and undoes what it did.");
  return { parked: [resume, retry, back], paused: [resume, back], left_alone: [resume, retry, back], failing: [resume, retry],
    needs_person: [retry], forward: [back], queued: [back] }[each.state] ?? [];
}
