import type { Fields, ProgressStore } from "@emlinh/progress-server";
import { until } from "../stores/await-helpers.js";

/** The fields of a job after one read that returned a change. */
interface Moment {
  readonly cursor: string;
  readonly fields: Fields;
}

/** All that a reader saw of a job. */
export interface History {
  readonly moments: readonly Moment[];
  /** Resolves once the reader has seen fields that meet the condition. */
  until(what: string, condition: (fields: Fields) => boolean): Promise<void>;
  /** Ends the reading. */
  stop(): Promise<void>;
  /** The rules of P13 and of the end that the history breaks. */
  faults(): readonly string[];
  /** The values of `metadata.by`, in order and without repetition. */
  writers(): readonly unknown[];
}

/** Reads a job at each of its changes, as a reader does: by its cursor. */
export async function recordHistory(store: ProgressStore, jobId: string): Promise<History> {
  const moments: Moment[] = [];
  let reading = Promise.resolve();
  let isStopped = false;

  async function read(): Promise<void> {
    if (isStopped) return;
    const last = moments.at(-1);
    const delta = await store.read(jobId, last?.cursor);
    if (delta === undefined || delta.cursor === last?.cursor) return;
    const before = delta.reset === true ? {} : last?.fields;
    moments.push({ cursor: delta.cursor, fields: { ...before, ...delta.set } });
  }

  const unwatch = await store.watch({ jobId }, () => {
    reading = reading.then(read);
  });
  await read();
  return {
    moments,
    until: (what, condition) => until(what, () => moments.some(({ fields }) => condition(fields))),
    async stop() {
      await unwatch();
      await reading;
      await read();
      isStopped = true;
    },
    faults: () => faultsIn(moments),
    writers: () => {
      const writers = moments.map(({ fields }) => fields["metadata.by"]).filter(Boolean);
      return writers.filter((writer, index) => writer !== writers[index - 1]);
    },
  };
}

function faultsIn(moments: readonly Moment[]): readonly string[] {
  const faults: string[] = [];
  for (const [index, { fields }] of moments.entries()) {
    const before = moments[index - 1]?.fields;
    if (before === undefined) continue;
    const [attempt, percent] = [Number(fields.attempt), Number(fields.percent ?? 0)];
    const [attemptBefore, percentBefore] = [Number(before.attempt), Number(before.percent ?? 0)];
    if (attempt < attemptBefore) faults.push(`attempt ${attempt} after ${attemptBefore}`);
    if (attempt === attemptBefore && percent < percentBefore)
      faults.push(`${percent} % after ${percentBefore} %`);
    if (before.finishedAt !== undefined) faults.push(`a change after the end as ${before.status}`);
  }
  return faults;
}
