import type { PageStorage } from "./safe-storage.js";

const KEY = "emlinh-own-videos";
const KEPT = 200;

/** Which videos this browser asked for: those it may cancel. A shared link shows the others, to look at only. */
export interface Ownership {
  has(jobId: string): boolean;
  add(jobId: string): void;
}

/**
 * Keeps the ids in `storage`, the newest. That is manners, not protection: who may cancel what is for the server's `authorize` to say.
 */
export function createOwnership(storage: PageStorage): Ownership {
  const ids = new Set(read(storage));
  return {
    has: (jobId) => ids.has(jobId),
    add(jobId) {
      ids.add(jobId);
      try {
        storage.setItem(KEY, JSON.stringify([...ids].slice(-KEPT)));
      } catch {
        // Full or forbidden: after a reload the video is one to look at only.
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
