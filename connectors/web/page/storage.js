// What outlives a reload: the guest token, the conversation's id, and messages that are not sent yet. Where the browser forbids it
// (a private window, a sandboxed frame), it is kept in memory, and a reload forgets it.

/** JSON of plain data. Old frameworks give arrays a `toJSON` of their own, which JSON.stringify would use. */
export function toJson(value) {
  if (Array.isArray(value)) return `[${value.map(toJson).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  const pairs = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return `{${pairs.map(([key, inner]) => `${JSON.stringify(key)}:${toJson(inner)}`).join(",")}}`;
}

/** A small store under one name. Every tab of the site sees the same one, so it is read afresh each time. */
export function storage(name) {
  let memory = {};
  const read = () => {
    try {
      const kept = JSON.parse(localStorage.getItem(name));
      return kept && typeof kept === "object" ? kept : {};
    } catch {
      return memory;
    }
  };
  const write = (values) => {
    memory = values;
    try {
      localStorage.setItem(name, toJson(values));
    } catch {
      // Full or forbidden.
    }
  };
  return {
    get: (key) => read()[key] ?? memory[key] ?? null,
    set: (changes) => write({ ...read(), ...changes }),
    clear: () => write({}),
  };
}
