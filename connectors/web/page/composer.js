// The field to write in. Enter sends, Shift+Enter breaks the line; a person choosing Chinese characters does neither.

import { words } from "./words.js";

const COUNT_FROM = 0.8;

/** Makes the form work; `submit(text)` gets what was written. */
export function composer(name, limit, submit) {
  const form = document.getElementById("composer");
  const field = document.getElementById("message");
  const button = document.getElementById("send");
  const counter = document.getElementById("counter");
  document.getElementById("message-label").textContent = words.ask(name);
  field.placeholder = words.ask(name);
  button.setAttribute("aria-label", words.send);

  const update = () => {
    const length = [...field.value].length;
    const tooLong = length > limit;
    button.disabled = field.value.trim() === "" || tooLong;
    counter.textContent = length > limit * COUNT_FROM ? words.counter(length, limit) : "";
    counter.classList.toggle("error", tooLong);
    field.setAttribute("aria-invalid", tooLong);
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight}px`;
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (button.disabled) return;
    const text = field.value.trim();
    field.value = "";
    update();
    submit(text);
  });
  field.addEventListener("input", update);
  field.addEventListener("keydown", (event) => {
    // 229 is what Safari reports while a character is being chosen.
    const choosing = event.isComposing || event.keyCode === 229;
    if (event.key !== "Enter" || event.shiftKey || choosing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  update();
  // On a phone, focus would cover half the page with a keyboard.
  if (matchMedia("(hover: hover)").matches) field.focus();
  return { focus: () => field.focus() };
}
