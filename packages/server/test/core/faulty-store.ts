import { memoryStore, type ProgressStore } from "../../src/index.js";

type Verb = "create" | "write" | "read" | "watch" | "remove" | "sweep";

/** A real store behind a line that a test can break. */
export interface FaultyStore extends ProgressStore {
  /** Calls of each verb, and of `unwatch`. */
  readonly calls: Record<Verb | "unwatch", number>;
  /** The next calls of a verb throw what a database driver might. */
  fail(verb: Verb): void;
  /** A write is done, and its answer lost. */
  loseAnswersOf(verb: "write"): void;
  /** Calls of a verb wait; the function lets them go on. */
  hold(verb: Verb): () => void;
  /** Answers of a verb, already computed, wait; the function lets them go on. */
  holdAnswersOf(verb: Verb): () => void;
  wakes: "as they come" | "lost" | "twice" | "late";
  /** Whether a wake tells the version that was written. */
  tellsVersions: boolean;
  /** All that was broken works again. */
  heal(): void;
}

export function faultyStore(store: ProgressStore = memoryStore()): FaultyStore {
  const failing = new Set<Verb>();
  const answersLost = new Set<Verb>();
  const before = new Map<Verb, Promise<void>>();
  const after = new Map<Verb, Promise<void>>();
  const calls = { create: 0, write: 0, read: 0, watch: 0, remove: 0, sweep: 0, unwatch: 0 };

  async function through<Result>(verb: Verb, call: () => Promise<Result>): Promise<Result> {
    calls[verb] += 1;
    await before.get(verb);
    if (failing.has(verb)) throw new Error("ECONNRESET redis://:secret@10.0.0.7");
    const result = await call();
    await after.get(verb);
    if (answersLost.has(verb)) throw new Error("ETIMEDOUT");
    return result;
  }

  function gate(gates: Map<Verb, Promise<void>>, verb: Verb): () => void {
    let open = (): void => {};
    gates.set(
      verb,
      new Promise((resolve) => {
        open = resolve;
      }),
    );
    return () => {
      gates.delete(verb);
      open();
    };
  }

  const faulty: FaultyStore = {
    calls,
    wakes: "as they come",
    tellsVersions: true,
    maxLogLines: store.maxLogLines,
    fail: (verb) => failing.add(verb),
    loseAnswersOf: (verb) => answersLost.add(verb),
    hold: (verb) => gate(before, verb),
    holdAnswersOf: (verb) => gate(after, verb),
    heal() {
      failing.clear();
      answersLost.clear();
    },
    create: (draft) => through("create", () => store.create(draft)),
    write: (id, change) => through("write", () => store.write(id, change)),
    read: (id, cursor) => through("read", () => store.read(id, cursor)),
    remove: (id) => through("remove", () => store.remove(id)),
    sweep: (now, limit) => through("sweep", () => store.sweep(now, limit)),
    watch: (id, wake) =>
      through("watch", async () => {
        const unwatch = await store.watch(id, (written) => {
          const version = faulty.tellsVersions ? written : undefined;
          if (faulty.wakes === "lost") return;
          if (faulty.wakes === "late") setTimeout(wake, 300, version);
          else wake(version);
          if (faulty.wakes === "twice") wake(version);
        });
        return async () => {
          calls.unwatch += 1;
          await unwatch();
        };
      }),
    close: () => store.close(),
  };
  return faulty;
}
