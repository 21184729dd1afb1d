import type { Json } from "@emlinh/progress-protocol";
import { same } from "../assert.js";
import type { CaseGroup } from "../case.js";
import { change, completion, draft, line, readJob } from "../given.js";

/** Changes a value as far as it lets itself be changed: one that is frozen keeps its owner just as safe. */
function vandalize(value: unknown, seen: Set<unknown> = new Set()): void {
  if (typeof value !== "object" || value === null || seen.has(value)) return;
  seen.add(value);
  for (const inner of Object.values(value)) vandalize(inner, seen);
  const doings = Array.isArray(value)
    ? [() => value.push("vandal"), () => value.splice(0, 1)]
    : Object.keys(value).map((key) => () => Reflect.set(value, key, "vandal"));
  for (const doing of [...doings, () => Reflect.set(value, "vandal", true)]) {
    try {
      doing();
    } catch {
      // Frozen arrays throw.
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
      name: "given a draft that its maker changes afterwards, keeps what was stored",
      async run({ open }) {
        const store = await open();
        const mine = draft("a", {
          set: { kind: "video", status: "queued", "metadata.m": nestedValue() },
        });
        await store.create(mine);
        const before = JSON.stringify(await readJob(store, "a"));
        vandalize(mine);
        same(await readJob(store, "a"), JSON.parse(before), "the job");
      },
    },
    {
      name: "given a change that its writer changes afterwards, keeps what was written",
      async run({ open }) {
        const store = await open();
        const { cursor } = await store.create(draft("a"));
        const mine = change(
          { "metadata.m": nestedValue(), plan: [{ id: "s", title: "S", weight: 1 }] },
          { log: [line("one", { data: nestedValue() })] },
        );
        await store.write("a", mine);
        const before = JSON.stringify(await readJob(store, "a", cursor));
        vandalize(mine);
        same(await readJob(store, "a", cursor), JSON.parse(before), "the job");
      },
    },
    {
      name: "given a reader that changes what it was told, tells the next reader the truth",
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
          vandalize(await readJob(store, "a", after));
          same(
            await readJob(store, "a", after),
            JSON.parse(before),
            "what the next reader is told",
          );
        }
      },
    },
  ],
};
