import { type Json, parseCursor, printCursor } from "@emlinh/progress-protocol";
import type { ProgressStore } from "../../../src/core/store.js";
import { aWhile, deeply, keeps, tells, versionIn, type WrongStore } from "./wrong-store.js";

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

/** Wrong about values, and about writes and reads at once. */
export const WRONG_VALUES: readonly WrongStore[] = [
  {
    does: "rounds numbers to 14 digits",
    group: "values",
    wrong: keeps(
      deeply((value) => (typeof value === "number" ? Number(value.toPrecision(14)) : value)),
    ),
  },
  {
    does: "cuts texts at NUL",
    group: "values",
    wrong: keeps(
      deeply((value) => (typeof value === "string" ? (value.split("\0")[0] ?? "") : value)),
    ),
  },
  {
    does: "mends surrogates",
    group: "values",
    wrong: keeps(
      deeply((value) => (typeof value === "string" ? Buffer.from(value).toString() : value)),
    ),
  },
  {
    does: "trims texts",
    group: "values",
    wrong: keeps((value) => (typeof value === "string" ? value.trim() : value)),
  },
  {
    does: "makes {} of []",
    group: "values",
    wrong: keeps(deeply((value) => (Array.isArray(value) && value.length === 0 ? {} : value))),
  },
  {
    does: "cuts texts at 64 KiB",
    group: "values",
    wrong: keeps(deeply((value) => (typeof value === "string" ? value.slice(0, 65_535) : value))),
  },
  {
    does: "goes 100 deep and no deeper",
    group: "values",
    wrong: keeps((value) =>
      /[[{]{100}|(?:\[\{"in":){50}/.test(JSON.stringify(value)) ? null : value,
    ),
  },
  {
    does: "takes names of objects' members for unset",
    group: "values",
    wrong: tells((delta) => ({
      ...delta,
      set: Object.fromEntries(
        Object.entries(delta.set).filter(([field]) => !((field.split(".")[1] ?? "") in {})),
      ),
    })),
  },
  {
    does: "keeps 512 fields of a change",
    group: "values",
    wrong: (right) => ({
      write: (id, change) =>
        right.write(id, {
          ...change,
          set: Object.fromEntries(Object.entries(change.set).slice(0, 512)),
        }),
    }),
  },
  { does: "keeps its callers' own objects", group: "aliasing", wrong: remembering },
  {
    does: "drops a write that overlaps another",
    group: "concurrency",
    wrong: (right) => {
      const busy = new Map<string, Promise<string>>();
      return {
        async write(id, change) {
          const other = busy.get(id);
          if (other !== undefined) return other;
          const own = aWhile().then(() => right.write(id, change));
          busy.set(id, own);
          return own.finally(() => busy.delete(id));
        },
      };
    },
  },
  {
    does: "writes to the job of another write",
    group: "concurrency",
    wrong: (right) => {
      let last = "";
      return {
        async write(id, change) {
          last = id;
          await aWhile();
          return right.write(last, change);
        },
      };
    },
  },
  {
    does: "reads fields and lines at two points",
    group: "histories",
    wrong: (right) => ({
      async read(id, after) {
        const delta = await right.read(id, after);
        await aWhile();
        return delta && { ...delta, log: (await right.read(id, after))?.log ?? [] };
      },
    }),
  },
  {
    does: "tells a cursor that is behind the fields",
    group: "histories",
    wrong: (right) => ({
      async read(id, after) {
        const version = await versionIn(right, id);
        await aWhile();
        const delta = await right.read(id, after);
        const epoch = parseCursor(delta?.cursor)?.epoch ?? "";
        return delta && { ...delta, cursor: printCursor({ epoch, version }) };
      },
    }),
  },
];
