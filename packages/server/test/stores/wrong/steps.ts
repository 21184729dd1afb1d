import { type Delta, type Fields, isTerminal, type Json } from "@emlinh/progress-protocol";
import type { ProgressStore } from "../../../src/core/store.js";
import { fieldsOf, type WrongStore } from "./wrong-store.js";

type Step = { readonly [name: string]: Json };

/** A step that the right store closed. */
interface ClosedStep {
  readonly closed: Step;
  /** The step as the last write set it. */
  readonly written: Json;
  /** Whether the end itself set it. */
  readonly byEnd: boolean;
  readonly fields: Fields;
  readonly delta: Delta;
}

/** A store that returns each closed step as `alter` does; `undefined` leaves it out. */
function altersClosedSteps(alter: (step: ClosedStep) => Json | undefined) {
  return (right: ProgressStore): Partial<ProgressStore> => {
    const written = new Map<string, Json>();
    const byEnd = new Set<string>();
    return {
      async write(id, change) {
        const cursor = await right.write(id, change);
        for (const [field, value] of Object.entries(change.set)) {
          written.set(`${id}/${field}`, value);
          if (isTerminal(change.set.status)) byEnd.add(`${id}/${field}`);
        }
        return cursor;
      },
      async read(id, after) {
        const delta = await right.read(id, after);
        if (delta === undefined || !delta.done) return delta;
        const fields = await fieldsOf(right, id);
        const set: Record<string, Json> = {};
        for (const [field, value] of Object.entries(delta.set)) {
          const key = `${id}/${field}`;
          const last = written.get(key);
          const isClosed = field.startsWith("steps.") && last !== undefined && differs(value, last);
          const altered = isClosed
            ? alter({
                closed: value as Step,
                written: last,
                byEnd: byEnd.has(key),
                fields,
                delta,
              })
            : value;
          if (altered !== undefined) set[field] = altered;
        }
        return { ...delta, set };
      },
    };
  };
}

/** A store that returns the steps of a job altered. */
function altersSteps(alter: (step: Step, fields: Fields) => Json) {
  return (right: ProgressStore): Partial<ProgressStore> => ({
    async read(id, after) {
      const delta = await right.read(id, after);
      if (delta === undefined) return undefined;
      const fields = await fieldsOf(right, id);
      const altered = Object.entries(delta.set).map(([field, value]) => [
        field,
        field.startsWith("steps.") && typeof value === "object" && value !== null
          ? alter(value as Step, fields)
          : value,
      ]);
      return { ...delta, set: Object.fromEntries(altered) };
    },
  });
}

function differs(a: Json, b: Json): boolean {
  return JSON.stringify(a) !== JSON.stringify(b);
}

/** The running steps of a job, closed. */
async function closing(store: ProgressStore, id: string): Promise<Fields> {
  const running = Object.entries(await fieldsOf(store, id)).filter(
    ([field, value]) => field.startsWith("steps.") && (value as Step | null)?.status === "running",
  );
  return Object.fromEntries(
    running.map(([field, value]) => [field, { ...(value as Step), status: "failed" }]),
  );
}

/** Wrong about the steps that an end leaves running. */
export const WRONG_STEPS: readonly WrongStore[] = [
  {
    does: "does not close steps",
    group: "closed steps",
    wrong: altersClosedSteps(({ written }) => written),
  },
  {
    does: "does not close steps when the sweep ends a job",
    group: "closed steps",
    wrong: altersClosedSteps(({ closed, written, fields }) =>
      fields.error === undefined ? closed : written,
    ),
  },
  {
    does: "closes every step as completed",
    group: "closed steps",
    wrong: altersClosedSteps(({ closed }) => ({ ...closed, status: "completed" })),
  },
  {
    does: "closes every step as failed",
    group: "closed steps",
    wrong: altersClosedSteps(({ closed }) => ({ ...closed, status: "failed" })),
  },
  {
    does: "closes steps without finishedAt",
    group: "closed steps",
    wrong: altersClosedSteps(({ closed: { finishedAt: _, ...step } }) => step),
  },
  {
    does: "closes steps a millisecond after the end",
    group: "closed steps",
    wrong: altersClosedSteps(({ closed }) => ({
      ...closed,
      finishedAt: Number(closed.finishedAt) + 1,
    })),
  },
  {
    does: "drops the other members of a closed step",
    group: "closed steps",
    wrong: altersClosedSteps(({ closed: { status, finishedAt } }) => ({
      status: status ?? null,
      finishedAt: finishedAt ?? null,
    })),
  },
  {
    does: "returns closed steps only in the snapshot",
    group: "closed steps",
    wrong: altersClosedSteps(({ closed, delta }) => (delta.reset ? closed : undefined)),
  },
  {
    does: "does not close a step that the end itself starts",
    group: "closed steps",
    wrong: altersClosedSteps(({ closed, written, byEnd }) => (byEnd ? written : closed)),
  },
  {
    does: "closes steps in a version before the end",
    group: "closed steps",
    wrong: (right) => ({
      async write(id, change) {
        const set = isTerminal(change.set.status) ? await closing(right, id) : {};
        if (Object.keys(set).length > 0) await right.write(id, { set, log: [] });
        return right.write(id, change);
      },
    }),
  },
  {
    does: "closes steps at every change of the status",
    group: "closed steps",
    wrong: (right) => ({
      async write(id, change) {
        const { status } = change.set;
        const closed = status === undefined || isTerminal(status) ? {} : await closing(right, id);
        return right.write(id, { ...change, set: { ...closed, ...change.set } });
      },
    }),
  },
  {
    does: "closes steps that the end itself closes",
    group: "closed steps",
    wrong: (right) => ({
      write(id, change) {
        if (change.set.status !== "completed") return right.write(id, change);
        const set = Object.entries(change.set).map(([field, value]) => [
          field,
          field.startsWith("steps.") ? { ...(value as Step), status: "completed" } : value,
        ]);
        return right.write(id, { ...change, set: Object.fromEntries(set) });
      },
    }),
  },
  {
    does: "closes pending steps",
    group: "closed steps",
    wrong: altersSteps((step, { status }) =>
      step.status === "pending" && isTerminal(status) ? { ...step, status: "failed" } : step,
    ),
  },
  {
    does: "closes steps by a search in their text",
    group: "closed steps",
    wrong: altersSteps((step, { status }) =>
      isTerminal(status)
        ? JSON.parse(JSON.stringify(step).replace('"status":"running"', '"status":"failed"'))
        : step,
    ),
  },
  {
    does: "closes the steps of a stale job",
    group: "closed steps",
    wrong: altersSteps((step, { stale }) =>
      step.status === "running" && stale === true ? { ...step, status: "failed" } : step,
    ),
  },
  {
    does: "closes the steps of every job at an end",
    group: "closed steps",
    wrong: (right) => {
      let hasEnd = false;
      return {
        async write(id, change) {
          const cursor = await right.write(id, change);
          hasEnd ||= isTerminal(change.set.status);
          return cursor;
        },
        ...altersSteps((step) =>
          step.status === "running" && hasEnd ? { ...step, status: "failed" } : step,
        )(right),
      };
    },
  },
];
