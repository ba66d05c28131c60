// Builds elements. Text only ever becomes a text node, so nothing that anybody says can turn into markup.

/** An element with properties and children; strings become text, and `null` is left out. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "class") made.className = value;
    else if (key in made && !key.startsWith("aria")) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const SPACE = "http://www.w3.org/2000/svg";

/** An element of a drawing. */
export function drawn(tag, properties = {}, ...children) {
  const made = document.createElementNS(SPACE, tag);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

const ICONS = {
  attach: "m20 11.5-8.2 8.2a5 5 0 0 1-7-7l8.6-8.7a3.3 3.3 0 0 1 4.7 4.7l-8.6 8.6a1.7 1.7 0 0 1-2.4-2.4l7.9-7.8",
  back: "m14.5 6-6 6 6 6",
  bad: "M8 14V4H4.5v10zm0-9 2-1h6.6a2 2 0 0 1 2 1.6l1.2 5.9a2 2 0 0 1-2 2.5H13l.8 4a2 2 0 0 1-2 2.4L8 14",
  chat: "M12 4c-5 0-8.5 3.1-8.5 7.3 0 2.2 1 4 2.6 5.400L5.4 20.500l4.2-1.800c.8.2 1.6.3 2.4.3 5 0 8.5-3.3 8.5-7.500S17 4 12 4z",
  close: "M6 6l12 12M18 6 6 18",
  copy: "M9 9h10v11H9zM15 9V4H5v11h4",
  done: "m5 12.5 4.5 4.500L19 7",
  down: "m6 9.5 6 6 6-6",
  edit: "M4 20l1-4.500L16 4.500l3.5 3.5-11 11zm9.5-13L17 10.5",
  file: "M7 3h7l4 4v14H7zm7 0v4h4",
  forward: "m9.5 6 6 6-6 6",
  good: "M8 10v10H4.500V10zm0 9 2 1h6.600a2 2 0 0 0 2-1.600l1.2-5.900a2 2 0 0 0-2-2.500H13l.8-4a2 2 0 0 0-2-2.400L8 10",
  human: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zm-7.5 8.500c.6-4 3.6-6 7.5-6s6.9 2 7.5 6",
  menu: "M5 12h.01M12 12h.01M19 12h.01",
  retry: "M19.5 12a7.5 7.5 0 1 1-2.3-5.400M19.5 3.500v4h-4",
  send: "M12 19V5m-6.5 6.500L12 5l6.5 6.5",
  stop: "M7.5 7.500h9v9h-9z",
  warning: "M12 4 3 20h18zm0 6v4m0 3v.01",
};

/** A small line drawing. */
export function icon(name) {
  return drawn(
    "svg",
    { viewBox: "0 0 24 24", "aria-hidden": "true", class: `icon i-${name}` },
    drawn("path", { d: ICONS[name] }),
  );
}

/** A button with a drawing for a label, which is read out and shown as a tip. */
export function iconButton(name, label, onclick, properties = {}) {
  return element(
    "button",
    { type: "button", class: "quiet tool", "aria-label": label, title: label, onclick, ...properties },
    icon(name),
  );
}

/**
 * Calls `run()` when the button is pressed, or Enter without Shift in one of the form's fields; a person choosing Chinese characters
 * presses Enter for that. Nothing is submitted: a sandboxed frame may forbid it.
 */
export function onSubmit(form, button, run) {
  button.addEventListener("click", (event) => {
    event.preventDefault();
    run(false);
  });
  form.addEventListener("keydown", (event) => {
    // 229 is what Safari reports while a character is being chosen.
    const choosing = event.isComposing || event.keyCode === 229;
    if (event.key !== "Enter" || event.shiftKey || choosing || event.target.localName === "button") return;
    event.preventDefault();
    run(true);
  });
}

/** A random UUID; `crypto.randomUUID` is missing where the page came over plain HTTP from another machine. */
export function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
