import { type Change, isProgressError, type ProgressError } from "@emlinh/progress-protocol";
import type { JobDraft, ProgressStore } from "@emlinh/progress-server";
import { type RedisStoreOptions, redisStore } from "@emlinh/progress-server/stores/redis";
import { onTestFinished } from "vitest";
import { ask, type RedisServer } from "../servers/redis.js";
import type { OpenedClient } from "./redis-clients.js";

let spaces = 0;

/** A store over keys of its own, closed when the test ends, and the errors that it told. */
export interface TestStore {
  readonly store: ProgressStore;
  readonly prefix: string;
  readonly errors: readonly ProgressError[];
}

/** Opens a store on a client. */
export function storeOn(
  { client }: OpenedClient,
  options: Omit<RedisStoreOptions, "client"> = {},
): TestStore {
  spaces += 1;
  const prefix = options.prefix ?? `test${spaces}`;
  const errors: ProgressError[] = [];
  const onError = (error: ProgressError): void => void errors.push(error);
  const store = redisStore({ client, onError, ...options, prefix });
  onTestFinished(() => store.close());
  return { store, prefix, errors };
}

export function draft(id: string, more: Partial<JobDraft> = {}): JobDraft {
  return { id, set: { kind: "video", status: "queued", attempt: 1 }, ...more };
}

export function change(set: Change["set"], more: Partial<Change> = {}): Change {
  return { set, log: [], ...more };
}

/** The code with which a call is refused; "none" if it isn't. */
export function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => "none",
    (error: unknown) => (isProgressError(error) ? error.code : String(error)),
  );
}

/** Looks again and again until it holds. */
export async function until(what: string, look: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 10_000;
  while (!(await look())) {
    if (performance.now() > end) throw new Error(`${what}: not so after 10 s`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The connections of a server that are subscribed to something. */
export async function subscribersOf(server: RedisServer): Promise<readonly string[]> {
  const lines = String(await ask(server, "CLIENT", "LIST")).split("\n");
  return lines.filter((line) => /\b(sub|ssub)=[1-9]/.test(line));
}

/** Cuts off every connection that is subscribed to something. */
export async function cutSubscribers(server: RedisServer): Promise<number> {
  const ids = (await subscribersOf(server)).map((line) => /^id=(\d+)/.exec(line)?.[1] ?? "");
  for (const id of ids) await ask(server, "CLIENT", "KILL", "ID", id);
  return ids.length;
}
