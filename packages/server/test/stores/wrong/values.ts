import { type Json, parseCursor, printCursor } from "@emlinh/progress-protocol";
import type { ProgressStore, Written } from "../../../src/core/store.js";
import {
  altersDeltas,
  altersValues,
  deeply,
  otherWork,
  versionOf,
  type WrongStore,
} from "./wrong-store.js";

function remembering(right: ProgressStore): Partial<ProgressStore> {
  const given = new Map<string, Map<string, Json>>();
  const keep = (id: string, set: Readonly<Record<string, Json>>): void => {
    const fields = given.get(id) ?? new Map<string, Json>();
    for (const [field, value] of Object.entries(set)) fields.set(field, value);
    given.set(id, fields);
  };
  return {
    create(draft) {
      keep(draft.id, draft.set);
      return right.create(draft);
    },
    write(id, change) {
      keep(id, change.set);
      return right.write(id, change);
    },
    async read(id, after) {
      const delta = await right.read(id, after);
      return (
        delta && {
          ...delta,
          set: Object.fromEntries(
            Object.entries(delta.set).map(([field, value]) => [
              field,
              given.get(id)?.get(field) ?? value,
            ]),
          ),
        }
      );
    },
  };
}

/** Wrong values, and wrong concurrent writes and reads. */
export const WRONG_VALUES: readonly WrongStore[] = [
  {
    does: "rounds numbers to 14 digits",
    group: "values",
    wrong: altersValues(
      deeply((value) => (typeof value === "number" ? Number(value.toPrecision(14)) : value)),
    ),
  },
  {
    does: "cuts strings at NUL",
    group: "values",
    wrong: altersValues(
      deeply((value) => (typeof value === "string" ? (value.split("\0")[0] ?? "") : value)),
    ),
  },
  {
    does: "replaces lone surrogates",
    group: "values",
    wrong: altersValues(
      deeply((value) => (typeof value === "string" ? Buffer.from(value).toString() : value)),
    ),
  },
  {
    does: "trims strings",
    group: "values",
    wrong: altersValues((value) => (typeof value === "string" ? value.trim() : value)),
  },
  {
    does: "turns [] into {}",
    group: "values",
    wrong: altersValues(
      deeply((value) => (Array.isArray(value) && value.length === 0 ? {} : value)),
    ),
  },
  {
    does: "cuts strings at 64 KiB",
    group: "values",
    wrong: altersValues(
      deeply((value) => (typeof value === "string" ? value.slice(0, 65_535) : value)),
    ),
  },
  {
    does: "drops values nested more than 100 levels deep",
    group: "values",
    wrong: altersValues((value) =>
      /[[{]{100}|(?:\[\{"in":){50}/.test(JSON.stringify(value)) ? null : value,
    ),
  },
  {
    does: "drops fields with the names of inherited members",
    group: "values",
    wrong: altersDeltas((delta) => ({
      ...delta,
      set: Object.fromEntries(
        Object.entries(delta.set).filter(([field]) => !((field.split(".")[1] ?? "") in {})),
      ),
    })),
  },
  {
    does: "stores 512 fields of a change",
    group: "values",
    wrong: (right) => ({
      write: (id, change) =>
        right.write(id, {
          ...change,
          set: Object.fromEntries(Object.entries(change.set).slice(0, 512)),
        }),
    }),
  },
  { does: "returns its callers' own objects", group: "aliasing", wrong: remembering },
  {
    does: "drops a write that is concurrent with another",
    group: "concurrency",
    wrong: (right) => {
      const busy = new Map<string, Promise<Written>>();
      return {
        async write(id, change) {
          const other = busy.get(id);
          if (other !== undefined) return other;
          const own = otherWork().then(() => right.write(id, change));
          busy.set(id, own);
          return own.finally(() => busy.delete(id));
        },
      };
    },
  },
  {
    does: "writes to the job of a concurrent write",
    group: "concurrency",
    wrong: (right) => {
      let last = "";
      return {
        async write(id, change) {
          last = id;
          await otherWork();
          return right.write(last, change);
        },
      };
    },
  },
  {
    does: "reads fields and lines at two points in time",
    group: "histories",
    wrong: (right) => ({
      async read(id, after) {
        const delta = await right.read(id, after);
        await otherWork();
        return delta && { ...delta, log: (await right.read(id, after))?.log ?? [] };
      },
    }),
  },
  {
    does: "returns a cursor that is behind the fields",
    group: "histories",
    wrong: (right) => ({
      async read(id, after) {
        const version = await versionOf(right, id);
        await otherWork();
        const delta = await right.read(id, after);
        const epoch = parseCursor(delta?.cursor)?.epoch ?? "";
        return delta && { ...delta, cursor: printCursor({ epoch, version }) };
      },
    }),
  },
];
