/** What this page uses of a browser's storage. */
export type PageStorage = Pick<Storage, "getItem" | "setItem">;

/** `localStorage`, or a stand-in that keeps things as long as the page where the browser forbids it. */
export function pageStorage(): PageStorage {
  try {
    localStorage.getItem("");
    return localStorage;
  } catch {
    const kept = new Map<string, string>();
    return {
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, value) => void kept.set(key, value),
    };
  }
}
