// How the page is written. What comes from the system becomes text, and never markup.

/** Control characters and those that turn text around, made visible. */
export function shown(value) {
  return String(value ?? "").replace(
    /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/gu,
    (each) => `⟨U+${each.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
}

/** An element; `fields` are its attributes, of which `class`; children are elements or text. */
export function element(name, fields = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(fields)) {
    if (typeof value === "function") {
      made.addEventListener(key, value);
    } else if (value !== undefined && value !== false) {
      made.setAttribute(key, value === true ? "" : value);
    }
  }
  made.append(...children.map((each) => each instanceof Node ? each : shown(each)));
  return made;
}

/** Text that the system chose, kept apart from what stands around it. */
export const said = (value) => element("bdi", { class: "said" }, value);

/** Sets text if it is another one, so that nothing is drawn, selected or read aloud anew. */
export function write(node, value) {
  const text = shown(value);
  if (node.textContent !== text) {
    node.textContent = text;
  }
}

/** Where the keyboard is in `parent`: what stands there is found again by its `data-is`. */
export function placeOfKeyboard(parent) {
  const at = document.activeElement;
  return at !== parent && parent.contains(at) ? { is: at.dataset.is, around: parent.closest("[tabindex]") } : undefined;
}

/** Takes the keyboard back to `place`, or to what stood around it if that is gone. */
export function takeKeyboardTo({ is, around }) {
  const same = is && [...around.querySelectorAll("[data-is]")].find((each) => each.dataset.is === is);
  (same || around)?.focus({ preventScroll: true });
}

/** Replaces the children, and leaves the keyboard where it is. */
export function replace(parent, children) {
  const place = placeOfKeyboard(parent);
  parent.replaceChildren(...children);
  if (place) {
    takeKeyboardTo(place);
  }
}

/** Replaces the children of `parent` if `key` is another than the last time. */
export function refill(parent, key, make) {
  if (parent.dataset.key !== key) {
    parent.dataset.key = key;
    replace(parent, make());
  }
}

export function table(heads, rows) {
  const cell = (name, value, head, more = {}) =>
    element(name, { class: head.number ? "number" : head.kind, ...more }, value ?? "");
  return element("table", {},
    element("thead", {}, element("tr", {},
      ...heads.map((each) => cell("th", each.name, each, { scope: "col" })))),
    element("tbody", {}, ...rows.map((row) => element("tr", {},
      ...row.map((value, i) => cell("td", value, heads[i]))))));
}

export const pill = (kind, word) => element("span", { class: `pill ${kind}` }, word);

/** 850 ms, 12 s, 4 m 10 s, 3 h 2 m, 5 d 1 h. */
export function duration(ms) {
  if (ms < 1000) {
    return `${Math.round(ms)} ms`;
  }
  const units = [["d", 86400], ["h", 3600], ["m", 60], ["s", 1]];
  let rest = Math.floor(ms / 1000);
  const parts = [];
  for (const [name, seconds] of units) {
    const count = Math.floor(rest / seconds);
    rest -= count * seconds;
    if (count > 0 && parts.length < 2) {
      parts.push(`${count} ${name}`);
    } else if (parts.length > 0) {
      break;
    }
  }
  return parts.join(" ");
}

/** 340 us, 12.4 ms, 3.20 s. */
export function micros(us) {
  return us < 1000 ? `${us} us` : us < 1e6 ? `${(us / 1000).toFixed(1)} ms` : `${(us / 1e6).toFixed(2)} s`;
}

export function rate(value) {
  return value === null || value === undefined ? "" : `${value < 10 ? value.toFixed(1) : Math.round(value)}/s`;
}

export function bytes(count) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let i = 0;
  while (count >= 1024 && i + 1 < units.length) {
    count /= 1024;
    ++i;
  }
  return `${i === 0 ? count : count.toFixed(1)} ${units[i]}`;
}

export const zone = { utc: localStorage.getItem("troupe.zone") !== "local" };

/** 2026-11-29 12:03:04 UTC, or of this machine. */
export function time(ms) {
  if (!ms) {
    return "";
  }
  const at = new Date(ms);
  if (zone.utc) {
    return `${at.toISOString().slice(0, 19).replace("T", " ")} UTC`;
  }
  const two = (value) => String(value).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} `
    + `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** The time of day. */
export const clock = (ms) => time(ms).slice(11);

/** The time of day, with the day unless that is today's. */
export function when(ms, now) {
  const text = time(ms);
  return text.slice(0, 10) === time(now).slice(0, 10) ? text.slice(11, 19) : text.slice(0, 19);
}

/** Words with `commands` in backquotes: each command with a button that copies it. */
export function advice(words) {
  return String(words).split("`").map((part, i) => i % 2 === 0 ? shown(part) : element("span", { class: "command" },
    element("code", { class: "said" }, part),
    part.includes(" ") ? element("button", {
      type: "button",
      "data-is": `copy ${part}`,
      "aria-label": `Copy ${shown(part)}`,
      click: (event) => copy(part, event.currentTarget),
    }, "Copy") : ""));
}

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Select it";
  }
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
}
