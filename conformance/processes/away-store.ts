import { memoryStore, type ProgressStore } from "@emlinh/progress-server";

/** How a scripted store is away. It uses no timer and no connection, so nothing of it keeps a process alive. */
export interface Away {
  readonly kind: "away";
  /** Whether a call rejects at once, or is never settled. */
  readonly calls: "reject" | "hang";
  /** The methods that do not answer. */
  readonly methods: readonly ("create" | "write" | "read" | "watch" | "sweep")[];
  /** The calls after which it is back. */
  readonly times: number;
}

/** A memory store that goes away when it is told to, and comes back after some calls. */
export function storeThatIsAway({ calls, methods, times }: Away): {
  readonly store: ProgressStore;
  goAway(): void;
} {
  const inner = memoryStore();
  let left = 0;

  const guard =
    <Args extends unknown[], Result>(
      name: Away["methods"][number],
      method: (...args: Args) => Promise<Result>,
    ): ((...args: Args) => Promise<Result>) =>
    (...args) => {
      if (left === 0 || !methods.includes(name)) return method(...args);
      left -= 1;
      return calls === "reject" ? Promise.reject(new Error("ECONNREFUSED")) : new Promise(() => {});
    };

  return {
    goAway() {
      left = times;
    },
    store: {
      ...inner,
      create: guard("create", inner.create),
      write: guard("write", inner.write),
      read: guard("read", inner.read),
      watch: guard("watch", inner.watch),
      sweep: guard("sweep", inner.sweep),
    },
  };
}
