/** The part of `sessionStorage` that is used. */
export type JobStorage = Pick<Storage, "getItem" | "setItem">;

/** The ids of a manager's jobs, kept across reloads of the page. */
export interface StoredIds {
  /** Returns the ids that were saved last; none if the storage fails or holds something else. */
  load(): readonly string[];
  /** Saves the newest 50 ids. */
  save(jobIds: readonly string[]): void;
}

const MAX_STORED = 50;

/** @param storage - `false` keeps nothing. */
export function storedIds(storage: JobStorage | false, key: string): StoredIds {
  return {
    load() {
      if (!storage) return [];
      try {
        const ids: unknown = JSON.parse(storage.getItem(key) ?? "[]");
        return Array.isArray(ids) ? ids.filter(isJobId) : [];
      } catch {
        // A forbidden storage or a foreign value costs the jobs of the earlier page, and nothing else.
        return [];
      }
    },
    save(jobIds) {
      if (!storage) return;
      try {
        storage.setItem(key, JSON.stringify(jobIds.slice(-MAX_STORED)));
      } catch {
        // A full or forbidden storage costs the jobs after a reload, and nothing now.
      }
    },
  };
}

/** The storage of the browser's page; `false` where there is none. */
export function pageStorage(): JobStorage | false {
  try {
    return typeof document === "undefined" ? false : sessionStorage;
  } catch {
    // In a sandboxed page, reading the property throws.
    return false;
  }
}

function isJobId(id: unknown): id is string {
  return typeof id === "string" && id !== "";
}
