import type { Json } from "@emlinh/progress-protocol";
import { assertEqual } from "../assert.js";
import type { CaseGroup } from "../case.js";
import { change, completion, draft, line, readJob } from "../fixtures.js";

/** Changes a value at every depth. A frozen value can't be changed, which protects its owner as well as a copy does. */
function overwrite(value: unknown, seen: Set<unknown> = new Set()): void {
  if (typeof value !== "object" || value === null || seen.has(value)) return;
  seen.add(value);
  for (const inner of Object.values(value)) overwrite(inner, seen);
  const attempts = Array.isArray(value)
    ? [() => value.push("overwritten"), () => value.splice(0, 1)]
    : Object.keys(value).map((key) => () => Reflect.set(value, key, "overwritten"));
  for (const attempt of [...attempts, () => Reflect.set(value, "overwritten", true)]) {
    try {
      attempt();
    } catch {
      // A frozen array throws.
    }
  }
}

function nestedValue(): { list: Json[]; inner: { deep: Json[] } } {
  return { list: [1, 2], inner: { deep: [{ a: 1 }] } };
}

export const ALIASING: CaseGroup = {
  group: "aliasing",
  cases: [
    {
      name: "given a draft that the caller changes after create(), keeps the values that it was given",
      async run({ open }) {
        const store = await open();
        const own = draft("a", {
          set: { kind: "video", status: "queued", "metadata.m": nestedValue() },
        });
        await store.create(own);
        const before = JSON.stringify(await readJob(store, "a"));
        overwrite(own);
        assertEqual(await readJob(store, "a"), JSON.parse(before), "the job");
      },
    },
    {
      name: "given a change that the caller changes after write(), keeps the values that it was given",
      async run({ open }) {
        const store = await open();
        const { cursor } = await store.create(draft("a"));
        const own = change(
          { "metadata.m": nestedValue(), plan: [{ id: "s", title: "S", weight: 1 }] },
          { log: [line("one", { data: nestedValue() })] },
        );
        await store.write("a", own);
        const before = JSON.stringify(await readJob(store, "a", cursor));
        overwrite(own);
        assertEqual(await readJob(store, "a", cursor), JSON.parse(before), "the job");
      },
    },
    {
      name: "given a reader that changes the delta it got, returns the stored values to the next reader",
      async run({ open }) {
        const store = await open();
        const { cursor } = await store.create(draft("a"));
        await store.write(
          "a",
          change({ "metadata.m": nestedValue() }, { log: [line("one", { data: nestedValue() })] }),
        );
        await store.write("a", completion(nestedValue()));
        for (const after of [undefined, cursor]) {
          const before = JSON.stringify(await readJob(store, "a", after));
          overwrite(await readJob(store, "a", after));
          assertEqual(
            await readJob(store, "a", after),
            JSON.parse(before),
            "the delta of the next reader",
          );
        }
      },
    },
  ],
};
