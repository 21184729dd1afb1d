import type { PageStorage } from "./safe-storage.js";

const KEY = "emlinh-own-videos";
const MAX_VIDEOS = 200;
const MAX_RECENT = 5;

/** The videos that this browser requested, which its user may cancel. Videos from shared links are read-only. */
export interface Ownership {
  has(jobId: string): boolean;
  add(jobId: string): void;
  /** Notes that an own video has ended. */
  end(jobId: string): void;
  /**
   * The own videos among these, in order: `recent` are those that are not known to have ended and the five newest of
   * the others, `earlier` are the rest.
   */
  split(jobIds: readonly string[]): {
    readonly recent: readonly string[];
    readonly earlier: readonly string[];
  };
  /** Calls a listener after each change by another tab. */
  onChange(listener: () => void): void;
}

/** By job id, in the order of the requests. The value is whether the video has ended. */
type Videos = ReadonlyMap<string, boolean>;

/**
 * Keeps the newest ids in `storage`, which other tabs use too: each change is made to the stored ids. This only hides
 * the button. The server's `authorize` decides who may cancel a job.
 */
export function createOwnership(storage: PageStorage): Ownership {
  let videos: Videos = read(storage);

  function set(jobId: string, ended: boolean): void {
    videos = newest(new Map([...videos, ...read(storage), [jobId, ended]]));
    try {
      storage.setItem(KEY, JSON.stringify([...videos]));
    } catch {
      // The storage is full or blocked. After a reload the video is read-only.
    }
  }

  return {
    has: (jobId) => videos.has(jobId),
    add: (jobId) => set(jobId, false),
    end(jobId) {
      if (videos.get(jobId) === false) set(jobId, true);
    },
    split(jobIds) {
      const own = jobIds.filter((jobId) => videos.has(jobId));
      const ended = own.filter((jobId) => videos.get(jobId));
      const earlier = new Set(ended.slice(0, -MAX_RECENT));
      return {
        recent: own.filter((jobId) => !earlier.has(jobId)),
        earlier: [...earlier],
      };
    },
    onChange(listener) {
      // The event comes from other tabs only.
      addEventListener("storage", ({ key }) => {
        if (key !== KEY) return;
        videos = newest(new Map([...videos, ...read(storage)]));
        listener();
      });
    },
  };
}

function newest(videos: Videos): Videos {
  return new Map([...videos].slice(-MAX_VIDEOS));
}

function read(storage: PageStorage): Videos {
  try {
    const stored: unknown = JSON.parse(storage.getItem(KEY) ?? "[]");
    return new Map(Array.isArray(stored) ? stored.filter(isEntry) : []);
  } catch {
    return new Map();
  }
}

function isEntry(entry: unknown): entry is readonly [string, boolean] {
  return Array.isArray(entry) && typeof entry[0] === "string" && typeof entry[1] === "boolean";
}
