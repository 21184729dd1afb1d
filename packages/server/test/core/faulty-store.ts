import type { StoreMethod } from "../../src/core/metrics.js";
import { memoryStore, type ProgressStore } from "../../src/index.js";
import { closedGate, type Gate } from "./gate.js";

/** A store whose calls, replies and wakes the test can break. */
export interface FaultyStore extends ProgressStore {
  /** Number of calls by method. `unwatch` counts the watches that were ended. */
  readonly calls: Record<StoreMethod | "unwatch", number>;
  /** Calls of a method throw an error like that of a database driver, until `recover()`. */
  fail(method: StoreMethod): void;
  /** Writes are stored, but then throw, until `recover()`. */
  loseReplies(method: "write"): void;
  /** Delays calls of a method before they reach the store. @returns a function that lets them continue. */
  hold(method: StoreMethod): () => void;
  /** Delays the replies of a method after the store computed them. @returns a function that lets them continue. */
  holdReplies(method: StoreMethod): () => void;
  /** How the wakes of the store are passed on. A late one comes after 300 ms. */
  wakes: "normal" | "lost" | "doubled" | "late";
  /** Whether a wake has the version that was written. */
  wakesHaveVersions: boolean;
  /** Ends what `fail` and `loseReplies` began. */
  recover(): void;
}

/** Wraps a store. */
export function faultyStore(store: ProgressStore = memoryStore()): FaultyStore {
  const failing = new Set<StoreMethod>();
  const losingReplies = new Set<StoreMethod>();
  const before = new Map<StoreMethod, Gate>();
  const after = new Map<StoreMethod, Gate>();
  const calls: Record<StoreMethod | "unwatch", number> = {
    create: 0,
    write: 0,
    read: 0,
    list: 0,
    watch: 0,
    remove: 0,
    learn: 0,
    expectations: 0,
    sweep: 0,
    unwatch: 0,
  };

  async function callThrough<Result>(
    method: StoreMethod,
    call: () => Promise<Result>,
  ): Promise<Result> {
    calls[method] += 1;
    await before.get(method)?.opened;
    if (failing.has(method)) throw new Error("ECONNRESET redis://:secret@10.0.0.7");
    const result = await call();
    await after.get(method)?.opened;
    if (losingReplies.has(method)) throw new Error("ETIMEDOUT");
    return result;
  }

  function addGate(gates: Map<StoreMethod, Gate>, method: StoreMethod): () => void {
    const gate = closedGate();
    gates.set(method, gate);
    return () => {
      gates.delete(method);
      gate.open();
    };
  }

  const faulty: FaultyStore = {
    calls,
    wakes: "normal",
    wakesHaveVersions: true,
    maxLogLines: store.maxLogLines,
    fail: (method) => failing.add(method),
    loseReplies: (method) => losingReplies.add(method),
    hold: (method) => addGate(before, method),
    holdReplies: (method) => addGate(after, method),
    recover() {
      failing.clear();
      losingReplies.clear();
    },
    create: (draft) => callThrough("create", () => store.create(draft)),
    write: (id, change) => callThrough("write", () => store.write(id, change)),
    read: (id, cursor) => callThrough("read", () => store.read(id, cursor)),
    list: (subject, page) => callThrough("list", () => store.list(subject, page)),
    remove: (id) => callThrough("remove", () => store.remove(id)),
    learn: (kind, durations) => callThrough("learn", () => store.learn(kind, durations)),
    expectations: (kind) => callThrough("expectations", () => store.expectations(kind)),
    sweep: (...args) => callThrough("sweep", () => store.sweep(...args)),
    watch: (target, wake) =>
      callThrough("watch", async () => {
        const unwatch = await store.watch(target, (written) => {
          const version = faulty.wakesHaveVersions ? written : undefined;
          if (faulty.wakes === "lost") return;
          if (faulty.wakes === "late") setTimeout(wake, 300, version);
          else wake(version);
          if (faulty.wakes === "doubled") wake(version);
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
