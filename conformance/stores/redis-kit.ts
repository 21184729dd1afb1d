import type { Change, ProgressError } from "@emlinh/progress-protocol";
import type { JobDraft, ProgressStore } from "@emlinh/progress-server";
import {
  type NodeRedisClient,
  type RedisClient,
  type RedisStoreOptions,
  redisStore,
} from "@emlinh/progress-server/stores/redis";
import { onTestFinished, vi } from "vitest";
import { type RedisServer, runCommand } from "../servers/redis.js";
import type { OpenedClient } from "./redis-clients.js";

let spaces = 0;

/** A store with a prefix of its own, closed when the test ends, and the errors that it reported. */
export interface TestStore {
  readonly store: ProgressStore;
  readonly prefix: string;
  readonly errors: readonly ProgressError[];
}

/**
 * Opens a store on a client.
 *
 * @param onFinished - Registers what is done at the end of the test. A test that runs at the same time as others must
 * pass the one of its own context. @defaultValue `onTestFinished` of vitest
 */
export function storeOn(
  { client }: OpenedClient,
  options: Omit<RedisStoreOptions, "client"> = {},
  onFinished: (cleanUp: () => Promise<void>) => void = onTestFinished,
): TestStore {
  spaces += 1;
  const prefix = options.prefix ?? `test${spaces}`;
  const errors: ProgressError[] = [];
  const onError = (error: ProgressError): void => void errors.push(error);
  const store = redisStore({ client, onError, ...options, prefix });
  onFinished(async () => store.close());
  return { store, prefix, errors };
}

export function draft(id: string, more: Partial<JobDraft> = {}): JobDraft {
  return { id, set: { kind: "video", status: "queued", attempt: 1 }, ...more };
}

export function change(set: Change["set"], more: Partial<Change> = {}): Change {
  return { set, log: [], ...more };
}

/** The connections of a server that have subscriptions, as `CLIENT LIST` shows them. */
export async function subscribersOf(server: RedisServer): Promise<readonly string[]> {
  const lines = String(await runCommand(server, "CLIENT", "LIST")).split("\n");
  return lines.filter((line) => /\b(sub|ssub)=[1-9]/.test(line));
}

/** Closes every connection that has subscriptions. Returns their number. */
export async function cutSubscribers(server: RedisServer): Promise<number> {
  const ids = (await subscribersOf(server)).map((line) => /^id=(\d+)/.exec(line)?.[1] ?? "");
  for (const id of ids) await runCommand(server, "CLIENT", "KILL", "ID", id);
  return ids.length;
}

/** Returns the number of scripts that have been run on a client since this call. */
export function countCalls(client: RedisClient): () => number {
  const calls =
    "evalsha" in client
      ? vi.spyOn(client, "evalsha")
      : vi.spyOn(client as NodeRedisClient, "evalSha");
  onTestFinished(() => calls.mockRestore());
  return () => calls.mock.calls.length;
}
