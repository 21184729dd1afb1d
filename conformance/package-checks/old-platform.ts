import { readFileSync } from "node:fs";
import vm from "node:vm";

/** The client in a realm of its own that lacks a part of what Node has. */
export interface OldPlatform {
  readonly client: typeof import("@emlinh/progress-client");
  /** The number of listeners of the page that were not removed. */
  readonly pageListeners: () => number;
}

/** Removes what a browser of 2020 does not have. */
const REMOVALS = `
  for (const name of ["at", "findLast", "findLastIndex", "toSorted", "toReversed", "toSpliced", "with"])
    delete Array.prototype[name];
  for (const name of ["at", "replaceAll", "isWellFormed", "toWellFormed"]) delete String.prototype[name];
  for (const name of ["hasOwn", "groupBy"]) delete Object[name];
  for (const name of ["any", "withResolvers"]) delete Promise[name];
  for (const name of ["WeakRef", "FinalizationRegistry", "AggregateError", "BigInt"]) delete globalThis[name];
`;

/**
 * Runs the script build.
 *
 * @param globals - The globals of the platform besides those of the language, timers, `fetch` and `Headers`.
 */
export function loadClient(
  script: string,
  globals: Readonly<Record<string, unknown>>,
): OldPlatform {
  const listeners = new Map<string, Set<unknown>>();
  const realm = vm.createContext({
    AbortController: OldAbortController,
    Headers,
    URL,
    setTimeout,
    clearTimeout,
    queueMicrotask,
    addEventListener(type: string, listener: unknown) {
      listeners.set(type, (listeners.get(type) ?? new Set()).add(listener));
    },
    // As in browsers, to remove a listener that is not there does nothing.
    removeEventListener: (type: string, listener: unknown) =>
      void listeners.get(type)?.delete(listener),
    ...globals,
  });
  vm.runInContext(REMOVALS, realm);
  vm.runInContext(readFileSync(script, "utf8"), realm, { filename: script });
  return {
    client: vm.runInContext("EmLinhProgress", realm) as OldPlatform["client"],
    pageListeners: () => [...listeners.values()].reduce((sum, { size }) => sum + size, 0),
  };
}

/** The `fetch` of React Native: a response has no `body`, and arrives when it is complete. */
export const fetchWithoutBody: typeof fetch = async (input, init) => {
  const response = await fetch(input, withSignal(init));
  const text = await response.text();
  const { ok, status, url, headers } = response;
  return { ok, status, url, headers, text: async () => text } as Response;
};

/** The `fetch` of a browser of 2020. */
export const fetchWithBody: typeof fetch = (input, init) => fetch(input, withSignal(init));

/** It does not resolve addresses. */
export class RequestOfReactNative {
  readonly url: string;
  constructor(input: unknown) {
    this.url = String(input);
  }
}

/** It has `href` only: the other members throw. */
export class UrlOfReactNative {
  readonly href: string;
  constructor(url: string) {
    this.href = url;
  }
  get protocol(): string {
    throw new Error("URL.protocol is not implemented");
  }
}

function withSignal({ signal, ...init }: RequestInit = {}): RequestInit {
  const abort = new AbortController();
  signal?.addEventListener("abort", () => abort.abort());
  return { ...init, signal: abort.signal };
}

/** As before 2022: without `reason` and `throwIfAborted`, and listeners ignore the option `signal`. */
class OldAbortController {
  readonly signal = new OldAbortSignal();
  abort(): void {
    this.signal.abort();
  }
}

class OldAbortSignal {
  aborted = false;
  readonly listeners = new Set<() => void>();
  addEventListener(_type: string, listener: () => void): void {
    this.listeners.add(listener);
  }
  removeEventListener(_type: string, listener: () => void): void {
    this.listeners.delete(listener);
  }
  abort(): void {
    if (this.aborted) return;
    this.aborted = true;
    for (const listener of [...this.listeners]) listener();
  }
}
