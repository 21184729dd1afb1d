import { type Fields, isTerminal } from "@emlinh/progress-protocol";
import type { ProgressStore } from "../../../src/core/store.js";
import { altersDeltas, fieldsOf, type WrongStore } from "./wrong-store.js";

/** A store that computes `done` from the job's fields by another rule. */
function doneIf(rule: (fields: Fields) => boolean) {
  return (right: ProgressStore): Partial<ProgressStore> => ({
    async read(id, after) {
      const delta = await right.read(id, after);
      return delta && { ...delta, done: rule(await fieldsOf(right, id)) };
    },
  });
}

/** Wrong values of `done`. */
export const WRONG_DONE: readonly WrongStore[] = [
  {
    does: "never sets done",
    group: "done",
    wrong: altersDeltas((delta) => ({ ...delta, done: false })),
  },
  {
    does: "sets done in every delta",
    group: "done",
    wrong: altersDeltas((delta) => ({ ...delta, done: true })),
  },
  {
    does: "sets done only in a delta that has the end",
    group: "done",
    wrong: altersDeltas((delta) => ({ ...delta, done: isTerminal(delta.set.status) })),
  },
  {
    does: "sets done only for completed jobs",
    group: "done",
    wrong: doneIf(({ status }) => status === "completed"),
  },
  {
    does: "sets done only for an end that a write made",
    group: "done",
    wrong: doneIf(({ status, error }) => isTerminal(status) && error === undefined),
  },
  {
    does: "sets done for a stale job",
    group: "done",
    wrong: doneIf(({ status, stale }) => isTerminal(status) || stale === true),
  },
  {
    does: "sets done for a job with a result",
    group: "done",
    wrong: doneIf(({ status, result }) => isTerminal(status) || result !== undefined),
  },
  {
    does: "does not set done in a reset after a cursor",
    group: "done",
    wrong: altersDeltas((delta, after) => ({
      ...delta,
      done: delta.done && !(delta.reset && after !== undefined),
    })),
  },
  {
    does: "sets done for every job once one has ended",
    group: "done",
    wrong: (right) => {
      let hasEnd = false;
      return {
        async write(id, change) {
          const cursor = await right.write(id, change);
          hasEnd ||= isTerminal(change.set.status);
          return cursor;
        },
        async read(id, after) {
          const delta = await right.read(id, after);
          return delta && { ...delta, done: hasEnd };
        },
      };
    },
  },
];
