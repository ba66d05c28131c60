// One exchange on the page: the question, which can be edited, and its answer with what can be done about it.

import { accounted, answerNodes, draftNodes } from "./answer.js";
import { isOpen } from "./conversation.js";
import { copyButton, documentNodes } from "./document.js";
import { element, icon, iconButton, onSubmit } from "./element.js";
import { fileList } from "./files.js";
import { triple } from "./panel.js";
import { explanation } from "./why.js";

const LONG = 20_000;

/** What a button of the host is for: its id begins with that. */
const meaningOf = ({ id }) => id.split(".")[0];
const isChoice = (button) => /^c\d+$/.test(meaningOf(button));

/**
 * The view of an exchange. `act` has what can be done: edit(exchange, text), again(exchange), retry(exchange), press(exchange, button),
 * feedback(exchange, text), openFact(reply, number, button), load(file), focus(), labelOf(exchange); `replyOf(id)` finds the reply to a
 * message, and `heading` is the element that its headings are.
 */
export function exchangeView(first, { bot, words, act, replyOf, heading }) {
  const question = element("div", { class: "question" });
  const answer = element("div", { class: "answer" });
  const article = element("article", { class: "exchange" }, question, answer);
  let exchange = first;
  let drafted = 0;
  let drawn = {};
  let timer;
  let showRating = () => {};

  // The question.

  function drawQuestion() {
    const { text, attachments = [], button } = exchange;
    const files = attachments.length > 0 ? fileList(attachments, words, act.load) : null;
    const isWish = text === "/human";
    const label = isWish ? words("human") : (button && !/^retry\./.test(button) && act.labelOf(exchange)) || text;
    const said = label ? element("p", { class: "bubble", dir: "auto" }, label) : null;
    const canEdit = text && !isWish && !button && exchange.state !== "unsent";
    const edit = canEdit ? iconButton("edit", words("edit"), startEdit) : null;
    const mark = exchange.edit ? element("small", { class: "soft" }, words("edited")) : null;
    question.replaceChildren(
      ...[element("span", { class: "unseen" }, words("you")), edit, mark, element("div", { class: "asked" }, files, said)].filter(
        Boolean,
      ),
    );
  }

  function startEdit() {
    const field = element("textarea", {
      value: exchange.text,
      rows: 2,
      dir: "auto",
      "aria-label": words("editing"),
      maxLength: bot.max_message_chars,
    });
    const end = () => {
      drawQuestion();
      question.querySelector(".tool")?.focus();
    };
    const submit = () => {
      const text = field.value.trim();
      if (text === "") return;
      if (text === exchange.text) return end();
      question.replaceChildren();
      act.edit(exchange, text);
      act.focus();
    };
    const save = element("button", { class: "primary" }, words("save"));
    const cancel = element("button", { type: "button", class: "quiet", onclick: end }, words("cancel"));
    const form = element("form", { class: "editor" }, field, element("div", { class: "actions" }, cancel, save));
    onSubmit(form, save, submit);
    form.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      event.preventDefault();
      end();
    });
    question.replaceChildren(form);
    field.focus();
    field.setSelectionRange(field.value.length, field.value.length);
    form.scrollIntoView({ block: "nearest" });
  }

  // The answer.

  const speaker = () => element("span", { class: "unseen" }, words("answers", { name: bot.name }));
  const options = { words, images: bot.images, heading };

  function drawWaiting() {
    const dots = element("span", { class: "dots", "aria-hidden": "true" }, ...[1, 2, 3].map(() => element("i")));
    const note = element("span", { class: "unseen" }, words("thinking"));
    answer.replaceChildren(dots, note);
    clearTimeout(timer);
    timer = setTimeout(() => note.isConnected && note.replaceWith(element("span", { class: "soft" }, words("long"))), LONG);
  }

  function drawDraft() {
    const { body, length } = draftNodes(exchange.draft, drafted, options);
    drafted = length;
    answer.replaceChildren(speaker(), body);
  }

  function drawProblem(text, label, again) {
    const retry = again && element("button", { type: "button", class: "quiet", onclick: again }, label);
    answer.replaceChildren(element("p", { class: "error" }, icon("warning"), element("span", { dir: "auto" }, text), " ", retry));
  }

  function markOf(reply) {
    return (number) => {
      const citation = reply?.citations[number - 1];
      if (!citation) return element("span", { class: "mark" }, `${number}`);
      const label = words("fact", { number, triple: triple(citation) });
      const said = reply.sentences.flatMap((sentence) => accounted(sentence, citation.id));
      const behind =
        said.length > 0
          ? `, ${words("behind", { words: said.map((piece) => words("quoted", { text: piece })).join(", ") })}`
          : "";
      const button = element(
        "button",
        { type: "button", class: "mark", "aria-expanded": "false", "aria-label": `${label}${behind}`, title: triple(citation) },
        `${number}`,
      );
      button.addEventListener("click", () => act.openFact(reply, number, button));
      return button;
    };
  }

  function drawAnswer() {
    const given = exchange.answer;
    const reply = given.reply;
    const about = reply ?? replyOf(exchange.about);
    const body = answerNodes(given, options, markOf(about));
    body.lang = reply?.language ?? "";
    const isAbstained = reply?.outcome === "abstained";
    const frame = element(
      "div",
      { class: isAbstained ? "body abstained" : "body" },
      isAbstained ? element("p", { class: "label" }, words("abstained")) : null,
      body,
    );
    const buttons = (given.buttons ?? []).flat();
    const choices = buttons.filter(isChoice);
    const list =
      choices.length > 0
        ? element(
            "ol",
            { class: "choices", "aria-label": words("choices") },
            ...choices.map((button) => element("li", {}, plain(button))),
          )
        : null;
    const { tools, below } = toolsOf(
      reply,
      buttons.filter((button) => !isChoice(button)),
    );
    answer.replaceChildren(
      ...[speaker(), frame, list, tools.length > 0 ? element("div", { class: "tools" }, ...tools) : null, ...below].filter(
        Boolean,
      ),
    );
  }

  function plain(button) {
    // A button that is disabled would lose the focus.
    let isPressed = false;
    const press = async () => {
      if (isPressed) return;
      isPressed = true;
      await act.press(exchange, button);
      isPressed = false;
    };
    return element("button", { type: "button", class: "quiet", dir: "auto", onclick: press }, button.label);
  }

  function toolsOf(reply, buttons) {
    const tools = [];
    const below = [];
    const of = (name) => buttons.find((button) => meaningOf(button) === name);
    const count = reply?.citations.length ?? 0;
    if (count > 0) {
      const facts = element("button", { type: "button", class: "quiet", "aria-expanded": "false" }, words("facts", { count }));
      facts.addEventListener("click", () => act.openFact(reply, 1, facts));
      tools.push(facts);
    }
    if (reply && (of("why") || ["answered", "abstained"].includes(reply.outcome))) {
      const why = explanation(reply, `why-${exchange.id}`, of("why")?.label ?? words("why"), words);
      tools.push(why.button);
      below.push(why.panel);
    }
    const rating = ratingOf(of("good"), of("bad"));
    tools.push(...rating.buttons);
    below.push(...rating.below);
    const retry = of("retry");
    if (retry) tools.push(iconButton("retry", retry.label, () => act.press(exchange, retry)));
    const copy = reply && reply.outcome !== "clarified" && copyButton(words("copy"), words, () => reply.answer);
    if (copy) tools.push(copy);
    const known = ["why", "good", "bad", "retry"];
    tools.push(...buttons.filter((button) => !known.includes(meaningOf(button))).map((button) => plain(button)));
    return { tools, below };
  }

  // What the person thinks of it.

  function ratingOf(good, bad) {
    const note = element("p", { class: "soft thanks", role: "status" });
    const box = element("div", { class: "reasonbox", hidden: true });
    const buttons = [];
    const show = (rated) => buttons.forEach(({ node, name }) => node.setAttribute("aria-pressed", name === rated));
    showRating = show;
    const rate = async (name, button) => {
      const before = exchange.rated;
      exchange.rated = name;
      show(name);
      box.hidden = name !== "bad";
      note.textContent = name === "bad" ? "" : words("thanks");
      if (name === "bad") openReason();
      if (!(await act.press(exchange, button))) {
        exchange.rated = before;
        show(before);
        note.textContent = "";
      }
    };
    const openReason = () => {
      const field = element("textarea", {
        rows: 2,
        dir: "auto",
        "aria-label": words("reason"),
        placeholder: words("reason"),
        maxLength: 1000,
      });
      const close = (text) => {
        box.hidden = true;
        note.textContent = text;
        buttons.find(({ name }) => name === "bad")?.node.focus();
      };
      const submit = async () => {
        const text = field.value.trim();
        if (text === "" || (await act.feedback(exchange, text))) close(words("thanks"));
      };
      const send = element("button", { class: "primary" }, words("sendReason"));
      const cancel = element("button", { type: "button", class: "quiet", onclick: () => close("") }, words("cancel"));
      const form = element("form", {}, field, element("div", { class: "actions" }, cancel, send));
      onSubmit(form, send, submit);
      form.addEventListener("keydown", (event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        event.preventDefault();
        close("");
      });
      box.replaceChildren(form);
      field.focus();
    };
    for (const [name, button, label] of [
      ["good", good, words("good")],
      ["bad", bad, words("bad")],
    ]) {
      if (!button) continue;
      const node = iconButton(name, label, () => rate(name, button), { "aria-pressed": `${exchange.rated === name}` });
      buttons.push({ node, name });
    }
    return { buttons: buttons.map(({ node }) => node), below: buttons.length > 0 ? [box, note] : [] };
  }

  // All of it.

  function drawState() {
    const { state, error, draft, answer: given } = exchange;
    if (state === "unsent") {
      const again = () => act.again(exchange);
      return error?.passes
        ? drawProblem(error.message || words("unsent"), words("retry"), again)
        : drawProblem(`${words("refused")} ${error?.message ?? ""}`, words("retry"), again);
    }
    if (given && state === "failed") {
      const retry = (given.buttons ?? []).flat().find((button) => meaningOf(button) === "retry");
      const text =
        given.reason ||
        documentNodes(given.document ?? [], { ...options, cite: () => "" })
          .map((node) => node.textContent)
          .join("\n");
      const again = retry ? () => act.press(exchange, retry) : () => act.retry(exchange);
      return drawProblem(text || words("failed"), retry?.label ?? words("retry"), again);
    }
    if (given) return drawAnswer();
    if (state === "withdrawn") return answer.replaceChildren(element("p", { class: "soft" }, words("stopped")));
    if (draft && isOpen(exchange)) return drawDraft();
    drafted = 0;
    if (isOpen(exchange)) return drawWaiting();
    answer.replaceChildren();
  }

  return {
    article,
    update(changed) {
      exchange = changed;
      const { text, attachments, edit, state, error, answer: given, draft } = exchange;
      const asked = [text, attachments?.length, Boolean(edit), state === "unsent"].join("\n");
      if (drawn.question !== asked && !question.querySelector(".editor")) {
        drawn.question = asked;
        drawQuestion();
      }
      if (drawn.state === state && drawn.given === given && drawn.draft === draft && drawn.error === error) return;
      Object.assign(drawn, { state, given, draft, error });
      drawState();
    },
    /** What the person said of the answer, as the bot has it. */
    rated(name) {
      exchange.rated = name;
      showRating(name);
    },
  };
}
