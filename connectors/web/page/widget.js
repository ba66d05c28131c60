// The one tag that a site needs: <script src="https://…/widget.js"></script>. It works as a classic script, deferred, async, or as a
// module, and leaves one name behind: `Loquat`.

(() => {
  if (window.Loquat?.element) return;
  // A module does not say which script it is, nor does one that was put in by a tag manager.
  const scripts = [...document.querySelectorAll("script[src]")];
  const own = document.currentScript?.src
    ? document.currentScript
    : scripts.filter(({ src }) => /\/widget\.js([?#]|$)/.test(src)).at(-1);
  if (!own) return console.error("Loquat: the script tag with /widget.js was not found; keep it in the page.");
  const server = new URL(".", own.src).href;
  const element = document.createElement("loquat-chat");
  Object.assign(element.dataset, { server, ...own.dataset, mode: "widget" });
  const ready = import(new URL("assets/{version}/loquat.js", server).href);
  const shown = new Promise((resolve) => {
    // Beside the body rather than in it: nothing there moves, clips or replaces it.
    const add = () => resolve(document.documentElement.append(element));
    if (document.body) add();
    else document.addEventListener("DOMContentLoaded", add, { once: true });
  });
  const started = Promise.all([ready, shown]);
  started.catch((error) =>
    console.error(
      `Loquat: the chat could not be loaded (${error.message}); does the site's Content-Security-Policy allow scripts from ${server}?`,
    ),
  );
  const call =
    (name) =>
    (...given) =>
      started.then(() => element[name](...given));
  window.Loquat = {
    element,
    open: call("open"),
    close: call("close"),
    toggle: call("toggle"),
    ask: call("ask"),
    identify: call("identify"),
    signOut: call("signOut"),
    /** Calls `f(detail)` at each event of a name; returns what ends that. */
    on(name, f) {
      const hear = (event) => f(event.detail);
      element.addEventListener(`loquat:${name}`, hear);
      return () => element.removeEventListener(`loquat:${name}`, hear);
    },
  };
})();
