// The field to write in. Enter sends, Shift+Enter breaks the line; a person choosing Chinese characters does neither.

import { element, icon, onSubmit } from "./element.js";
import { fileTray } from "./files.js";

const COUNT_FROM = 0.8;

/**
 * The form. `submit(text, files)` gets what was written, `stop()` is for the button while an answer is awaited and nothing is written,
 * and `upload` sends a file.
 */
export function composer({ bot, words, submit, stop, upload }) {
  const name = words("ask", { name: bot.name });
  const counter = element("span", { id: "counter" });
  const note = element("span", { class: "note", role: "status" });
  const field = element("textarea", {
    rows: 1,
    placeholder: name,
    "aria-label": name,
    enterkeyhint: "send",
    autocomplete: "off",
    "aria-describedby": "counter",
  });
  const button = element("button", { class: "primary round" });
  const say = (text, isProblem = false) => {
    note.textContent = text;
    note.classList.toggle("error", isProblem);
  };
  const tray = bot.files && fileTray(bot.files, words, { upload, say, changed: () => update() });
  const row = element("div", { class: "row" }, tray?.button, field, button);
  const form = element("form", { class: "composer" }, ...(tray?.parts ?? []), row);
  const hint = element("p", { class: "hint" }, note, " ", element("span", { class: "usual" }, words("hint")), " ", counter);
  let isWaiting = false;
  let shown = null;

  function update() {
    const length = [...field.value].length;
    const limit = bot.max_message_chars;
    const tooLong = length > limit;
    // The words beside an empty field are the page's own.
    field.dir = length > 0 ? "auto" : "";
    const isEmpty = field.value.trim() === "" && (tray?.isEmpty ?? true);
    const isStop = isWaiting && isEmpty;
    button.disabled = !isStop && (isEmpty || tooLong || !(tray?.isReady ?? true));
    if (shown !== isStop) {
      shown = isStop;
      button.replaceChildren(icon(isStop ? "stop" : "send"));
      button.setAttribute("aria-label", words(isStop ? "stop" : "send"));
      button.title = words(isStop ? "stop" : "send");
    }
    counter.textContent = length > limit * COUNT_FROM ? words("counter", { length, limit }) : "";
    counter.classList.toggle("error", tooLong);
    field.setAttribute("aria-invalid", tooLong);
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight}px`;
  }

  onSubmit(form, button, (isKey) => {
    // With nothing written, Enter does not stop what is being said.
    if (button.disabled || (shown && isKey)) return;
    if (shown) return stop();
    const text = field.value.trim();
    const files = tray?.take() ?? [];
    field.value = "";
    say("");
    update();
    submit(text, files);
  });
  field.addEventListener("input", update);
  field.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!tray || files.length === 0) return;
    event.preventDefault();
    tray.add(files);
  });
  update();
  return {
    form,
    hint,
    say,
    /** Files that were dropped somewhere on the chat. */
    drop: (files) => tray?.add(files),
    /** Files belong to the conversation that they were sent to. */
    clearFiles: () => tray?.take(),
    takesFiles: Boolean(tray),
    focus: () => field.focus({ preventScroll: true }),
    /** Fits the field again once it can be measured. */
    fit: update,
    set waiting(value) {
      isWaiting = value;
      update();
    },
  };
}
