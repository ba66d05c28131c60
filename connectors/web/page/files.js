// Files that go with a message: chosen, dropped or pasted, sent at once while the message is written, and shown where they are said.

import { element, icon, iconButton } from "./element.js";

const THUMB = 112;

export function sizeOf(bytes) {
  const units = ["B", "KB", "MB", "GB"];
  let size = bytes;
  let unit = 0;
  for (; size >= 1000 && unit < units.length - 1; unit++) size /= 1000;
  return `${size < 10 && unit > 0 ? size.toFixed(1) : Math.round(size)} ${units[unit]}`;
}

const isImage = (type) => /^image\/(png|jpeg|gif|webp|avif)$/.test(type);

/** Whether one of the types that the bot takes, such as `image/png`, `text/*` or `.csv`, is that of a file. */
function isTaken(file, types) {
  const type = file.type.split(";")[0].toLowerCase();
  return types.some((taken) => {
    if (taken.startsWith(".")) return file.name.toLowerCase().endsWith(taken.toLowerCase());
    return taken === "*/*" || (taken.endsWith("/*") ? type.startsWith(taken.slice(0, -1)) : type === taken.toLowerCase());
  });
}

/** Draws a picture small. A canvas needs no address, so it shows under every policy of the site around it. */
export async function drawThumb(canvas, blob) {
  const picture = await createImageBitmap(blob);
  const scale = Math.min(1, (2 * THUMB) / Math.max(picture.width, picture.height));
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
}

/** Offers bytes to be saved as a file. */
export function save(name, blob) {
  const href = URL.createObjectURL(blob);
  element("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}

/** The files of an exchange, each of which can be saved; pictures are shown. `load(file)` gets the bytes. */
export function fileList(files, words, load) {
  const items = files.map((file) => {
    const details = element("span", { class: "filename", dir: "auto" }, file.name);
    const size = element("small", {}, sizeOf(file.bytes ?? 0));
    const open = async () => {
      const blob = await load(file).catch(() => null);
      if (blob) save(file.name, blob);
    };
    const label = words("download", { name: file.name });
    const button = element(
      "button",
      { type: "button", class: "file", "aria-label": label, title: label, onclick: open },
      icon("file"),
      details,
      size,
    );
    if (isImage(file.media_type)) {
      const canvas = element("canvas", { class: "thumb", "aria-hidden": "true" });
      load(file)
        .then((blob) => drawThumb(canvas, blob))
        .then(() => button.firstChild.replaceWith(canvas))
        .catch(() => {});
    }
    return element("li", {}, button);
  });
  return element("ul", { class: "files", "aria-label": words("attachments") }, ...items);
}

/**
 * The files of the message that is written. `upload(file, progress, signal)` sends one, `changed()` is told of every change, and
 * `say(text, isProblem)` shows a line. Returns what the composer needs.
 */
export function fileTray(limits, words, { upload, changed, say }) {
  const list = element("ul", { class: "files tray", "aria-label": words("attachments"), hidden: true });
  const waiting = new Set();
  const types = limits.types.join(", ");
  const told = words("limits", { count: limits.max_per_message, size: sizeOf(limits.max_bytes), types });
  const input = element("input", { type: "file", multiple: true, accept: limits.types.join(","), hidden: true, tabIndex: -1 });
  const choose = () => {
    say(told);
    input.click();
  };
  const button = iconButton("attach", words("attach"), choose, {
    class: "quiet tool round",
    title: `${words("attach")}. ${told}`,
  });
  const hint = element("span", { class: "unseen", id: "limits" }, told);
  button.setAttribute("aria-describedby", "limits");
  input.addEventListener("change", () => {
    add([...input.files]);
    input.value = "";
  });

  function refusal(file) {
    if (waiting.size >= limits.max_per_message) return words("tooMany", { count: limits.max_per_message });
    if (file.size > limits.max_bytes) return words("tooLarge", { name: file.name, size: sizeOf(limits.max_bytes) });
    return isTaken(file, limits.types) ? null : words("wrongType", { name: file.name });
  }

  function add(files) {
    for (const file of files) {
      const problem = refusal(file);
      if (problem) say(`${problem} ${told}`, true);
      else take(file);
    }
  }

  function take(file) {
    const stopped = new AbortController();
    const name = file.name || words("attach");
    const bar = element("progress", { max: 1, value: 0, "aria-label": words("uploading", { name, percent: 0 }) });
    const shown = isImage(file.type) ? element("canvas", { class: "thumb", "aria-hidden": "true" }) : icon("file");
    if (shown.getContext) drawThumb(shown, file).catch(() => shown.replaceWith(icon("file")));
    const label = element("span", { class: "filename", dir: "auto" }, name);
    const drop = () => {
      stopped.abort();
      waiting.delete(entry);
      item.remove();
      list.hidden = waiting.size === 0;
      say("");
      changed();
    };
    const again = () => send();
    const retry = iconButton("retry", words("retry"), again, { hidden: true });
    const remove = iconButton("close", words("remove", { name }), drop);
    const item = element(
      "li",
      { class: "file" },
      shown,
      element("span", { class: "filetext" }, label, element("small", {}, sizeOf(file.size)), bar),
      retry,
      remove,
    );
    const entry = { stored: null, bytes: file, drop };
    waiting.add(entry);
    list.append(item);
    list.hidden = false;
    changed();

    async function send() {
      retry.hidden = true;
      bar.hidden = false;
      item.classList.remove("failed");
      try {
        entry.stored = await upload(file, (part) => (bar.value = part), stopped.signal);
        bar.hidden = true;
        say(words("uploaded", { name }));
      } catch (error) {
        if (error.name === "AbortError") return;
        item.classList.add("failed");
        bar.hidden = true;
        retry.hidden = false;
        say(error.message || words("unreachable"), true);
      }
      changed();
    }
    send();
  }

  return {
    parts: [list, input, hint],
    button,
    add,
    get isReady() {
      return [...waiting].every(({ stored }) => stored);
    },
    get isEmpty() {
      return waiting.size === 0;
    },
    /** What goes with the message; the tray is empty then. */
    take() {
      const files = [...waiting].map(({ stored }) => stored);
      [...waiting].forEach(({ drop }) => drop());
      return files;
    },
  };
}
