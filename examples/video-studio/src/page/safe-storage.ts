/** The methods of a browser's storage that this page uses. */
export type PageStorage = Pick<Storage, "getItem" | "setItem">;

/** `localStorage`, or a storage for the lifetime of the page if the browser blocks it. */
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
