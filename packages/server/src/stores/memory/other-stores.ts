import { ProgressError } from "@emlinh/progress-protocol";

/** The part of a memory store that the others of this process see. */
export interface VisibleStore {
  hasJob(jobId: string): boolean;
}

/** The other memory stores of this process. */
export interface OtherStores {
  /** Whether one that is in use has the job. */
  haveJob(jobId: string): boolean;
  /** Hides the own store from the others. */
  leave(): void;
}

interface Registry {
  /** Weak, so that a store without users is collected with its jobs. */
  readonly stores: Set<WeakRef<VisibleStore>>;
  readonly collected: FinalizationRegistry<WeakRef<VisibleStore>>;
}

/** The name under which all copies of this module find the same registry: ES modules, CommonJS, reloaded bundles. */
const REGISTRY = Symbol.for("@emlinh/progress-server/memory-stores");

/** Shows a store to the others of this process until it leaves or is collected. */
export function joinOtherStores(own: VisibleStore): OtherStores {
  const registry = registryOfProcess();
  if (registry === undefined) return { haveJob: () => false, leave: () => {} };
  const { stores, collected } = registry;
  const ref = new WeakRef(own);
  stores.add(ref);
  collected.register(own, ref);
  return {
    haveJob(jobId) {
      for (const other of stores) {
        const store = other.deref();
        if (store !== own && store?.hasJob(jobId) === true) return true;
      }
      return false;
    },
    leave() {
      stores.delete(ref);
    },
  };
}

/** `undefined` in a runtime without weak references. Then stores do not find each other. */
function registryOfProcess(): Registry | undefined {
  if (typeof WeakRef === "undefined" || typeof FinalizationRegistry === "undefined")
    return undefined;
  const holder = globalThis as { [REGISTRY]?: Registry };
  holder[REGISTRY] ??= newRegistry();
  return holder[REGISTRY];
}

function newRegistry(): Registry {
  const stores = new Set<WeakRef<VisibleStore>>();
  return { stores, collected: new FinalizationRegistry((ref) => stores.delete(ref)) };
}

/** The job is not in the store that was asked, but in another one of this process. */
export function jobInOtherStore(jobId: string): ProgressError {
  return new ProgressError("job-not-found", {
    message:
      `The job "${jobId}" is in another memory store of this process. memoryStore() ran more than once, as it does ` +
      "when a development server such as Next.js's loads a module again, or when one part of an app imports and " +
      "another requires it. Keep one store for the process on globalThis (docs/choosing-a-store.md shows how).",
    status: 404,
    details: { jobId, otherStore: true },
  });
}
