import type { TabLocks } from "@emlinh/progress-client/tabs";
import type { Links } from "./links.js";
import type { SimulatedPage } from "./page.js";

interface Request {
  readonly page: SimulatedPage;
  readonly onHeld: () => unknown;
  resolve(): void;
  reject(error: Error): void;
}

/** The Web Locks of a simulated browser. */
export interface SimulatedLocks {
  /** `navigator.locks` of a page. */
  of(page: SimulatedPage): TabLocks;
  /** Releases the locks of a page that has gone. */
  drop(page: SimulatedPage): void;
  /** The page that holds a lock. */
  holderOf(name: string): string | undefined;
  names(): string[];
}

const abortError = () =>
  new DOMException("The lock was taken or the request was left.", "AbortError");

export function simulatedLocks(net: Pick<Links, "send">): SimulatedLocks {
  const held = new Map<string, Request>();
  const queues = new Map<string, Request[]>();
  const queueOf = (name: string) => {
    const queue = queues.get(name) ?? [];
    queues.set(name, queue);
    return queue;
  };

  function grantNext(name: string): void {
    const next = held.has(name) ? undefined : queueOf(name).shift();
    if (next) grant(name, next);
  }

  function grant(name: string, request: Request): void {
    held.set(name, request);
    const release = () => {
      if (held.get(name) !== request) return;
      held.delete(name);
      net.send("locks", request.page, () => request.resolve());
      grantNext(name);
    };
    // The lock is held also while the page does nothing.
    net.send("locks", request.page, () => {
      void Promise.resolve(request.onHeld()).then(release);
    });
  }

  function take(name: string, request: Request): void {
    const before = held.get(name);
    if (before) net.send("locks", before.page, () => before.reject(abortError()));
    grant(name, request);
  }

  return {
    of: (page) =>
      ({
        request(name: string, { steal, signal }: LockOptions, onHeld: () => unknown) {
          return new Promise<void>((resolve, reject) => {
            const request = {
              ...{ page, resolve, reject },
              onHeld() {
                signal?.removeEventListener("abort", onAbort);
                return onHeld();
              },
            };
            if (steal) take(name, request);
            else queueOf(name).push(request);
            const onAbort = () => {
              const queue = queueOf(name);
              if (!queue.includes(request)) return;
              queue.splice(queue.indexOf(request), 1);
              reject(abortError());
            };
            signal?.addEventListener("abort", onAbort);
            grantNext(name);
          });
        },
        query: async () => ({ held: [...held.keys()].map((name) => ({ name })), pending: [] }),
      }) as never as TabLocks,
    drop(page) {
      for (const queue of queues.values())
        for (const request of queue.filter((it) => it.page === page))
          queue.splice(queue.indexOf(request), 1);
      for (const [name, request] of [...held]) {
        if (request.page !== page) continue;
        held.delete(name);
        grantNext(name);
      }
    },
    holderOf: (name) => held.get(name)?.page.name,
    names: () => [...held.keys()],
  };
}
