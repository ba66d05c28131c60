// The header's menu, and what opens from it: earlier conversations, and the question before everything is deleted.

import { element, iconButton, onSubmit } from "./element.js";

/** A button with a list of things to do; `items` are `{ label, run, isHidden }`. */
export function menu(words, items) {
  const list = element("ul", { class: "menulist", id: "menulist", hidden: true });
  const button = iconButton("menu", words("menu"), () => show(list.hidden), {
    "aria-expanded": "false",
    "aria-controls": "menulist",
  });
  const box = element("div", { class: "menu" }, button, list);
  const show = (open) => {
    if (open) {
      const shown = items.filter(({ isHidden }) => !isHidden?.());
      list.replaceChildren(
        ...shown.map(({ label, run }) =>
          element("li", {}, element("button", { type: "button", onclick: () => choose(run) }, label)),
        ),
      );
    }
    list.hidden = !open;
    button.setAttribute("aria-expanded", open);
    if (open) list.querySelector("button")?.focus();
  };
  const choose = (run) => {
    show(false);
    button.focus();
    run(button);
  };
  box.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    const buttons = [...list.querySelectorAll("button")];
    const at = buttons.indexOf(event.target);
    const to = { ArrowDown: at + 1, ArrowUp: at < 0 ? -1 : at - 1, Home: 0, End: -1 }[event.key];
    if (event.key === "Escape") {
      show(false);
      button.focus();
    } else if (to !== undefined) buttons.at(to % buttons.length)?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  box.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !box.contains(event.relatedTarget)) show(false);
  });
  return { box, close: (event) => event.composedPath().includes(box) || show(false) };
}

/** The list of earlier conversations, which covers the chat until one is chosen. */
export function historyView(words, { load, open, say, covers }) {
  const title = element("h2", { tabIndex: -1 }, words("history"));
  const body = element("div", { class: "historybody" });
  const view = element("section", { class: "history", hidden: true, "aria-label": words("history") });
  let opener = null;
  const hide = () => {
    view.hidden = true;
    covers(false);
    opener?.focus();
  };
  view.append(element("header", { class: "panelhead" }, iconButton("back", words("back"), hide), title), body);
  view.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    hide();
  });
  const own = navigator.languages.find((tag) => tag.split("-")[0] === words.language.split("-")[0]);
  const time = (at) => new Date(at).toLocaleString(own ?? words.language, { dateStyle: "medium", timeStyle: "short" });
  const line = ({ id, last, title: name }) => {
    const choose = () => {
      hide();
      open(id);
    };
    const label = element("span", { class: "filename", dir: "auto" }, name || words("untitled"));
    return element(
      "li",
      {},
      element("button", { type: "button", onclick: choose }, label, element("small", {}, last ? time(last) : "")),
    );
  };
  return {
    view,
    async show(button) {
      opener = button;
      body.replaceChildren();
      view.hidden = false;
      covers(true);
      title.focus();
      try {
        const conversations = await load();
        body.replaceChildren(
          conversations.length > 0
            ? element("ul", { class: "conversations" }, ...conversations.map(line))
            : element("p", { class: "soft" }, words("noHistory")),
        );
      } catch (error) {
        hide();
        say(error.message || words("unreachable"));
      }
    },
  };
}

/** Asks before everything is deleted; `run()` deletes it. */
export function eraseDialog(words, run) {
  const problem = element("p", { class: "error", role: "alert" });
  const no = element("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, words("cancel"));
  const yes = element("button", { type: "button", class: "primary danger" }, words("eraseYes"));
  const dialog = element(
    "dialog",
    { class: "confirm", "aria-labelledby": "erasetitle" },
    element("h2", { id: "erasetitle" }, words("eraseTitle")),
    element("p", {}, words("eraseText")),
    problem,
    element("div", { class: "actions" }, no, yes),
  );
  yes.addEventListener("click", async () => {
    yes.disabled = true;
    problem.textContent = "";
    try {
      await run();
      dialog.close();
    } catch (error) {
      problem.textContent = error.message || words("unreachable");
    }
    yes.disabled = false;
  });
  dialog.addEventListener("keydown", (event) => event.stopPropagation());
  return dialog;
}

/** The form that asks for the bot's token; `enter(token)` tries it. */
export function loginForm(words, enter) {
  const problem = element("p", { class: "error", id: "loginerror", role: "alert" });
  const field = element("input", {
    id: "token",
    type: "password",
    autocomplete: "current-password",
    required: true,
    "aria-describedby": "loginerror",
  });
  const button = element("button", { class: "primary" }, words("enter"));
  const form = element(
    "form",
    { class: "login", hidden: true },
    element("label", { htmlFor: "token" }, words("token")),
    element("div", { class: "fieldrow" }, field, button),
    problem,
  );
  onSubmit(form, button, async () => {
    if (field.value === "") return;
    problem.textContent = "";
    button.disabled = true;
    try {
      await enter(field.value);
      field.value = "";
    } catch (error) {
      problem.textContent = error.status === 401 || error.status === 403 ? words("wrong") : error.message || words("unreachable");
      field.select();
    }
    button.disabled = false;
  });
  return { form, focus: () => field.focus({ preventScroll: true }) };
}
