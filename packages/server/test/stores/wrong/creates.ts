import { isProgressError, isTerminal, type Json } from "@emlinh/progress-protocol";
import { epochs } from "./epochs.js";
import { altersDeltas, fieldsOf, type WrongStore } from "./wrong-store.js";

/** Wrong creations and writes. */
export const WRONG_CREATES: readonly WrongStore[] = [
  {
    does: "writes a new job twice",
    group: "create",
    wrong: (right) => ({
      async create(draft) {
        const created = await right.create(draft);
        return created.created
          ? {
              ...created,
              cursor: (
                await right.write(draft.id, {
                  set: draft.set.attempt === undefined ? draft.set : { kind: draft.set.kind ?? "" },
                  log: [],
                })
              ).cursor,
            }
          : created;
      },
    }),
  },
  {
    does: "accepts the id of another job and returns that job",
    group: "create",
    wrong: (right) => ({
      create: (draft) =>
        right.create(draft).catch(async (error: unknown) => {
          if (!isProgressError(error, "invalid-change")) throw error;
          return {
            jobId: draft.id,
            cursor: (await right.read(draft.id))?.cursor ?? "",
            created: true,
          };
        }),
    }),
  },
  {
    does: "ignores keys",
    group: "create",
    wrong: (right) => ({ create: ({ key: _, ...draft }) => right.create(draft) }),
  },
  {
    does: "ignores the case of keys",
    group: "create",
    wrong: (right) => ({
      create: (draft) => right.create({ ...draft, key: draft.key?.toLowerCase() }),
    }),
  },
  {
    does: "checks the id before the key",
    group: "create",
    wrong: (right) => ({
      async create(draft) {
        return right.create(
          (await right.read(draft.id).catch(() => undefined)) === undefined
            ? draft
            : { ...draft, key: undefined },
        );
      },
    }),
  },
  {
    does: "drops a key when its job ends",
    group: "create",
    wrong: (right) => {
      const byKey = new Map<string, string>();
      return {
        async create(draft) {
          const known = byKey.get(draft.key ?? "");
          const ended = known !== undefined && isTerminal((await fieldsOf(right, known)).status);
          const created = await right.create(ended ? { ...draft, key: undefined } : draft);
          if (draft.key !== undefined) byKey.set(draft.key, created.jobId);
          return created;
        },
      };
    },
  },
  {
    does: "gives all jobs the same epoch",
    group: "create",
    otherGroups: ["histories", "hold", "lease", "sweep", "emptied"],
    wrong: epochs(() => "e"),
  },
  {
    does: "ignores the case of ids",
    group: "create",
    wrong: (right) => ({
      create: (draft) =>
        right.create({ ...draft, id: draft.id.toLowerCase() }).catch(async () => ({
          jobId: draft.id,
          cursor: (await right.read(draft.id.toLowerCase()))?.cursor ?? "",
          created: true,
        })),
      write: (id, change) => right.write(id.toLowerCase(), change),
      read: (id, after) => right.read(id.toLowerCase(), after),
    }),
  },
  {
    does: "merges the members of a field",
    group: "write",
    wrong: (right) => ({
      async write(id, change) {
        const before = await fieldsOf(right, id);
        const inner = (field: string, value: Json): Json =>
          typeof value === "object" && value !== null && !Array.isArray(value)
            ? { ...(before[field] as object), ...value }
            : value;
        return right.write(id, {
          ...change,
          set: Object.fromEntries(
            Object.entries(change.set).map(([field, value]) => [field, inner(field, value)]),
          ),
        });
      },
    }),
  },
  {
    does: "does not set createdAt by its own clock",
    group: "write",
    wrong: altersDeltas((delta) => ({
      ...delta,
      set: { ...delta.set, ...(delta.reset && { createdAt: 1 }) },
    })),
  },
  {
    does: "uses the wall clock instead of the injected one",
    group: "write",
    options: (options) => ({ ...options, clock: Date.now }),
  },
  {
    does: "sets a field with each line",
    group: "write",
    wrong: (right) => ({
      write: (id, change) =>
        right.write(
          id,
          change.log.length > 0 ? { ...change, set: { step: null, ...change.set } } : change,
        ),
    }),
  },
  {
    does: "raises the version for a change of nothing",
    group: "write",
    wrong: (right) => ({
      write: (id, change) =>
        right.write(
          id,
          Object.keys(change.set).length + change.log.length === 0 && change.leaseMs === undefined
            ? { ...change, set: { updatedAt: 0 } }
            : change,
        ),
    }),
  },
  {
    does: "creates a job at a write to an unknown one",
    group: "write",
    wrong: (right) => ({
      write: (id, change) =>
        right.write(id, change).catch(async (error: unknown) => {
          if (!isProgressError(error, "job-not-found")) throw error;
          const { cursor } = await right.create({ id, set: change.set });
          return { cursor, now: 0 };
        }),
    }),
  },
];
