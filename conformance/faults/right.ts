import { stateOf } from "@emlinh/progress-protocol";
import type { ProgressStore } from "@emlinh/progress-server";
import { expect } from "vitest";
import type { Record } from "./record.js";

/**
 * Asserts that a viewer shows the truth: its state equals that of the store, each line was delivered once and in order,
 * neither the percent nor the time of the state ever fell, and there was one end.
 */
export async function expectRight(
  store: ProgressStore,
  jobId: string,
  record: Record,
): Promise<void> {
  const stored = await store.read(jobId);
  if (stored === undefined) throw new Error(`The store has no job "${jobId}".`);
  const { etaMs: _, ...truth } = stateOf(jobId, stored.set, 0);
  expect(record.job).toMatchObject(truth);
  expect(Object.keys(record.job?.steps ?? {})).toEqual(Object.keys(truth.steps));
  expect(Object.keys(record.job?.metadata ?? {})).toEqual(Object.keys(truth.metadata));
  expect(record.log).toEqual(stored.log);
  expect(record.ends).toBe(1);
  const percents = record.percents.filter((percent) => percent !== null);
  expect(percents).toEqual([...percents].sort((a, b) => a - b));
  expect(record.updates).toEqual([...record.updates].sort((a, b) => a - b));
}
