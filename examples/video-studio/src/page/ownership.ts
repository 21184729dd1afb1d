import type { PageStorage } from "./safe-storage.js";

const KEY = "emlinh-own-videos";
const MAX_IDS = 200;

/** The videos that this browser requested, which its user may cancel. Videos from shared links are read-only. */
export interface Ownership {
  has(jobId: string): boolean;
  add(jobId: string): void;
}

/**
 * Keeps the newest ids in `storage`. This only hides the button. The server's `authorize` decides who may cancel a job.
 */
export function createOwnership(storage: PageStorage): Ownership {
  const ids = new Set(read(storage));
  return {
    has: (jobId) => ids.has(jobId),
    add(jobId) {
      ids.add(jobId);
      try {
        storage.setItem(KEY, JSON.stringify([...ids].slice(-MAX_IDS)));
      } catch {
        // The storage is full or blocked. After a reload the video is read-only.
      }
    },
  };
}

function read(storage: PageStorage): readonly string[] {
  try {
    const ids: unknown = JSON.parse(storage.getItem(KEY) ?? "[]");
    return Array.isArray(ids) ? ids.filter((id) => typeof id === "string") : [];
  } catch {
    return [];
  }
}
