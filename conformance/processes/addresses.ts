import { memoryStore } from "@emlinh/progress-server";
import { BACKENDS, type Backend } from "../stores/backends.js";
import { type OpenedStore, openStore, type StoreAddress } from "../stores/open-store.js";

/** Where the jobs of a process are: in its own memory, or in a backend that others share. */
export type JobsAddress = StoreAddress | { readonly kind: "memory" };

/** Opens a store as an app would. */
export async function openJobs(address: JobsAddress): Promise<OpenedStore> {
  if (address.kind !== "memory") return openStore(address);
  const store = memoryStore();
  return { store, close: () => store.close() };
}

/** A place for jobs that ends with its test. */
export interface Place {
  readonly name: string;
  start(): Promise<{ readonly address: JobsAddress; stop(): Promise<void> }>;
}

/** Each backend, and the memory of one process. */
export const PLACES: readonly Place[] = [
  {
    name: "memory",
    start: async () => ({ address: { kind: "memory" }, stop: async () => {} }),
  },
  ...BACKENDS.map(({ name, start }) => ({ name, start: (): Promise<Backend> => start() })),
];
