import type { Reporter } from "../../../src/index.js";
import { advance, type TestContext } from "../context.js";

export const PLAN = [
  { id: "speech", title: "Speech", weight: 1 },
  { id: "render", title: "Render", weight: 3 },
];

export async function openPlannedJob({ progress }: TestContext): Promise<Reporter> {
  return progress.open(await progress.create({ kind: "video", plan: PLAN }));
}

export async function openPlainJob({ progress }: TestContext): Promise<Reporter> {
  return progress.open(await progress.create({ kind: "import" }));
}

export const stateOf = async ({ progress }: TestContext, { id }: Pick<Reporter, "id">) => {
  const state = await progress.status(id);
  if (state === undefined) throw new Error("The job does not exist.");
  return state;
};

export const logOf = async ({ store }: TestContext, { id }: Reporter) =>
  (await store.read(id))?.log.map(({ text }) => text);

/** Flushes, and advances the time past the longest backoff. */
export async function flushAcrossBackoff(reporter: Reporter): Promise<void> {
  const flushing = reporter.flush();
  await advance(6_000);
  await flushing;
}
