import { type AnyJob, type JobTypes, ProgressError } from "@emlinh/progress-protocol";
import type { ConnectionState } from "./connection.js";
import type { CancelReply, JobWatch } from "./job-watch.js";
import { makeListeners } from "./listeners.js";
import {
  invalidOption,
  type ResolvedWatchOptions,
  resolveWatchOptions,
  type WatchOptions,
} from "./options.js";
import { makePlaces, type Places } from "./places.js";
import { post } from "./request.js";
import { makeWatch } from "./watch.js";

/** The part of `sessionStorage` that is used. */
export type JobStorage = Pick<Storage, "getItem" | "setItem">;

/** How jobs are created, kept and watched. */
export interface VideoManagerOptions<Job extends JobTypes = AnyJob> extends WatchOptions<Job> {
  /** Where `create` posts to: the app's own route, which answers 2xx and `{ "jobId" }`. Needed for `create` alone. */
  createUrl?: string | undefined;
  /** Where the ids of the jobs outlive a reload; `false` for nowhere. @defaultValue `sessionStorage`, where there is one */
  storage?: JobStorage | false | undefined;
  /** The key in the storage. @defaultValue `emlinh-progress:` and the `baseUrl` */
  storageKey?: string | undefined;
  /**
   * Streams and long polls open at a time; the other watches poll at an interval until there is a place.
   *
   * @defaultValue `4` in a page, since browsers open six connections to an HTTP/1.1 server; else `Infinity`
   */
  maxStreams?: number | undefined;
}

/** How one job is created. */
export interface CreateOptions {
  /** Two requests with one key make one job. @defaultValue 128 random bits */
  key?: string | undefined;
  /** Gives up: the promise rejects with its reason. The server may have made the job all the same. */
  signal?: AbortSignal | undefined;
}

/** Job ids kept in the storage, the newest. */
const MAX_STORED = 50;

/**
 * Creates jobs, watches many of them at once, and finds them again after a reload of the page.
 *
 * @example
 * ```ts
 * const videos = new VideoManager({ baseUrl: "/api/video-progress", createUrl: "/api/chat/create-video", definition: videoJob });
 * const video = await videos.create({ topic: "Spring", duration: 30, voice: "vi" });
 * video.on("progress", (job) => console.log(job.percent));
 * const { videoUrl } = await video.result;
 * ```
 */
export class VideoManager<Job extends JobTypes = AnyJob> {
  readonly #options: ResolvedWatchOptions;
  readonly #createUrl: string | undefined;
  readonly #storage: JobStorage | false;
  readonly #storageKey: string;
  readonly #places: Places;
  readonly #listeners = makeListeners<{ change: undefined }>((error) =>
    this.#options.onError(error),
  );
  readonly #creating = new Map<string, Promise<JobWatch<Job>>>();
  readonly #closing = new AbortController();
  #watches: readonly JobWatch<Job>[] = [];

  /** @throws {@link ProgressError} `invalid-option`. */
  constructor(options: VideoManagerOptions<Job>) {
    const inPage = typeof document !== "undefined";
    const {
      createUrl,
      storage,
      storageKey,
      maxStreams = inPage ? 4 : Number.POSITIVE_INFINITY,
    } = options;
    if (!(maxStreams >= 1))
      throw invalidOption("maxStreams", maxStreams, "a number from 1, or Infinity");
    this.#options = resolveWatchOptions(options);
    this.#createUrl = createUrl;
    this.#storage = storage ?? pageStorage();
    this.#storageKey = storageKey ?? `emlinh-progress:${this.#options.baseUrl}`;
    this.#places = makePlaces(maxStreams);
  }

  /**
   * Creates a job and begins to keep it. The request is sent again after a failure of the network, with the same key, so that there is one job.
   * While the answer is out, a second call with the same key (or, without one, the same input: a double click) gives the same promise.
   *
   * @param input - What the app's route wants, as JSON.
   * @throws {@link ProgressError} what the route's problem says, or the last failure; `closed`; `invalid-option` without a `createUrl`.
   */
  create(input: object, { key, signal }: CreateOptions = {}): Promise<JobWatch<Job>> {
    const name = key ?? JSON.stringify(input);
    const under = this.#creating.get(name);
    if (under) return under;
    const made = this.#create(input, key ?? randomKey(), signal).finally(() =>
      this.#creating.delete(name),
    );
    this.#creating.set(name, made);
    return made;
  }

  async #create(input: object, key: string, signal?: AbortSignal): Promise<JobWatch<Job>> {
    const url = this.#createUrl;
    if (!url) throw invalidOption("createUrl", url, "the address that jobs are created at");
    this.#assertOpen();
    const abort = new AbortController();
    for (const source of [signal, this.#closing.signal]) {
      source?.addEventListener("abort", () => abort.abort(source.reason));
      if (source?.aborted) abort.abort(source.reason);
    }
    const reply = (await post(this.#options, {
      url,
      body: input,
      headers: { "idempotency-key": key },
      signal: abort.signal,
    })) as { readonly jobId?: string } | null;
    if (typeof reply?.jobId !== "string") {
      throw new ProgressError("refused", { message: `${url} answered without a "jobId".` });
    }
    return this.watch(reply.jobId);
  }

  /** The watch of a job, the same one for the same id. @throws {@link ProgressError} `closed`. */
  watch(jobId: string): JobWatch<Job> {
    this.#assertOpen();
    const known = this.#watches.find((watch) => watch.jobId === jobId);
    if (known) return known;
    let placed = false;
    const { transport, pollWaitMs } = this.#options;
    const options: ResolvedWatchOptions = {
      ...this.#options,
      // One that may not hold a connection polls at an interval; one that must stream can't, and goes ahead.
      get transport() {
        return placed || transport === "stream" ? transport : "poll";
      },
      get pollWaitMs() {
        return placed ? pollWaitMs : 0;
      },
    };
    const watch = makeWatch<Job>(jobId, options, {
      onStart: (probe) => {
        const leave = this.#places.take(() => {
          placed = true;
          probe();
        });
        return () => {
          placed = false;
          leave();
        };
      },
      onMoved: (connection) => isGone(connection) && this.#store(),
    });
    this.#set([...this.#watches, watch]);
    return watch;
  }

  /** The jobs that are kept, in the order in which they came. */
  jobs(): readonly JobWatch<Job>[] {
    return this.#watches;
  }

  /** As {@link VideoManager.jobs}: the same list until it changes. */
  readonly getSnapshot = (): readonly JobWatch<Job>[] => this.#watches;

  /** Calls a listener after each change of the list (not of a job in it). */
  readonly subscribe = (listener: () => void): (() => void) =>
    this.#listeners.add("change", listener);

  /** Keeps the jobs that an earlier page of this session kept, and gives all that are kept now. */
  resume(): readonly JobWatch<Job>[] {
    for (const jobId of this.#stored()) this.watch(jobId);
    return this.#watches;
  }

  /** Asks a job to stop. @throws {@link ProgressError} as the server refused it; `closed`. */
  async cancel(jobId: string): Promise<CancelReply> {
    return this.watch(jobId).cancel();
  }

  /** Stops watching a job and keeps it no more, after a reload neither. The job goes on. */
  forget(jobId: string): void {
    const gone = this.#watches.find((watch) => watch.jobId === jobId);
    if (!gone) return;
    this.#set(this.#watches.filter((watch) => watch !== gone));
    gone.stop();
  }

  /** Stops every watch and every request to create; the storage keeps the ids. Idempotent; afterwards the manager refuses to work with `closed`. */
  close(): void {
    this.#closing.abort(closed());
    for (const watch of this.#watches) watch.stop();
  }

  #assertOpen(): void {
    if (this.#closing.signal.aborted) throw closed();
  }

  #set(watches: readonly JobWatch<Job>[]): void {
    this.#watches = watches;
    this.#store();
    this.#listeners.emit("change", undefined);
  }

  /** Stores the ids of the jobs that are kept, but for those that the server doesn't have. */
  #store(): void {
    try {
      const there = this.#watches.filter((watch) => !isGone(watch.getSnapshot().connection));
      const text = JSON.stringify(there.slice(-MAX_STORED).map(({ jobId }) => jobId));
      if (this.#storage) this.#storage.setItem(this.#storageKey, text);
    } catch {
      // A storage that is full or forbidden costs the jobs after a reload, and nothing now.
    }
  }

  #stored(): readonly string[] {
    try {
      const ids: unknown = JSON.parse(
        (this.#storage || undefined)?.getItem(this.#storageKey) ?? "[]",
      );
      return Array.isArray(ids) ? ids.filter((id) => typeof id === "string" && id) : [];
    } catch {
      return [];
    }
  }
}

/** Whether the server said that it has no such job, or has it no more. */
function isGone({ error }: ConnectionState): boolean {
  return error?.code === "job-not-found" || error?.code === "job-expired";
}

function closed(): ProgressError {
  return new ProgressError("closed", { message: "This VideoManager was closed: make a new one." });
}

function pageStorage(): JobStorage | false {
  try {
    return typeof document !== "undefined" && sessionStorage;
  } catch {
    // A page in a sandbox may not even look at it.
    return false;
  }
}

function randomKey(): string {
  // Not randomUUID: it is missing in pages that came over plain HTTP.
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}
