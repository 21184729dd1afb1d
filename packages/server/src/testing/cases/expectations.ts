import type { Durations, Expectations, ProgressStore } from "../../core/store.js";
import { learned } from "../../shared/expectations.js";
import { assertEqual, assertTrue } from "../assert.js";
import type { CaseGroup } from "../case.js";
import { range } from "../fixtures.js";

const KIND = "video";

/** Kinds that a store must tell apart. A kind is any text of 1 to 256 characters. */
const KINDS = [
  "video",
  "VIDEO",
  "video ",
  "video:1",
  "__proto__",
  "constructor",
  "vidéo 🎬",
  "a\u0000b",
  "a\u0000c",
  "\ud800",
  "\ud801",
  "\"'%_\\{}",
  "k".repeat(256),
];

/** Names that are members of every object. */
const STEPS = [
  ...["render", "RENDER", "render/size", "__proto__", "constructor", "toString"],
  ...["s".repeat(64), `${"s".repeat(64)}/size`],
];

/** A result of a database may differ in the last digits. */
const TOLERANCE = 1e-9;

/** The result of the rule for the durations, in this order. */
function taught(all: readonly Durations[]): Expectations {
  const known = new Map<string, ReturnType<typeof learned>>();
  for (const durations of all)
    for (const [step, ms] of Object.entries(durations))
      known.set(step, learned(known.get(step), ms));
  return Object.fromEntries(known);
}

/** Fails the test unless the store expects the same. */
async function assertExpects(
  store: ProgressStore,
  wanted: Expectations,
  kind: string = KIND,
): Promise<void> {
  const known = await store.expectations(kind);
  assertEqual(Object.keys(known).sort(), Object.keys(wanted).sort(), "the steps that are known");
  for (const [step, { count, mean, variance }] of Object.entries(wanted)) {
    const { [step]: own } = known;
    assertEqual(own?.count, count, `the count of ${step}`);
    assertNear(own?.mean, mean, `The mean of ${step}`);
    assertNear(own?.variance, variance, `The variance of ${step}`);
  }
}

function assertNear(actual: unknown, wanted: number, what: string): void {
  const isNear =
    typeof actual === "number" && Math.abs(actual - wanted) <= TOLERANCE * Math.max(1, wanted);
  assertTrue(isNear, `${what} is ${String(actual)}; the rule learned() gives ${wanted}.`);
}

/** Calls at once, each with another duration: none is lost, and the result is one of some order. */
async function learnAtOnce(stores: readonly ProgressStore[]): Promise<void> {
  const calls = range(40).map((by) => ({ render: 1000 + 100 * by, [`own-${by}`]: 7 }));
  await Promise.all(
    calls.map((durations, by) => stores[by % stores.length]?.learn(KIND, durations)),
  );
  for (const store of stores) {
    const { render, ...own } = await store.expectations(KIND);
    assertEqual(render?.count, 40, "the count of 40 concurrent calls");
    assertEqual(Object.keys(own).length, 40, "steps that only one call has");
    const { mean = 0, variance = -1 } = render ?? {};
    const [least, most] = [Math.log(1000), Math.log(4900)];
    assertTrue(mean > least && mean < most, `The mean ${mean} is not within that of the calls.`);
    assertTrue(
      variance > 0 && variance < (most - least) ** 2,
      `The variance ${variance} is not that of the calls.`,
    );
  }
}

export const EXPECTATIONS: CaseGroup = {
  group: "expectations",
  cases: [
    {
      name: "given an unknown kind, returns nothing",
      async run({ open }) {
        const store = await open();
        for (const kind of KINDS) assertEqual(await store.expectations(kind), {}, "expectations");
      },
    },
    {
      name: "given the durations of one job, returns them",
      async run({ open }) {
        const store = await open();
        const durations = { render: 1000, upload: 1, encode: 86_400_000, tiny: 0.25 };
        await store.learn(KIND, durations);
        await assertExpects(store, taught([durations]));
      },
    },
    {
      name: "given the durations of many jobs, follows the rule learned()",
      async run({ open }) {
        const store = await open();
        const all = range(30).map((by) => ({
          render: 1000 + 37 * ((by * by) % 23),
          upload: 5 + by,
        }));
        for (const [by, durations] of all.entries()) {
          await store.learn(KIND, durations);
          if ([1, 8, 9, 10, 29].includes(by))
            await assertExpects(store, taught(all.slice(0, by + 1)));
        }
      },
    },
    {
      name: "given a job without some steps, keeps what is known of them",
      async run({ open }) {
        const store = await open();
        const all = [{ render: 1000, upload: 50 }, { upload: 70 }, {}, { render: 3000, check: 9 }];
        for (const durations of all) await store.learn(KIND, durations as Durations);
        await assertExpects(store, taught(all as readonly Durations[]));
      },
    },
    {
      name: "given a job without durations, knows no more than before",
      async run({ open }) {
        const store = await open();
        await store.learn(KIND, {});
        assertEqual(await store.expectations(KIND), {}, "expectations");
      },
    },
    {
      name: "given any kinds, keeps them apart",
      async run({ open }) {
        const store = await open();
        for (const [by, kind] of KINDS.entries()) await store.learn(kind, { render: 1000 + by });
        for (const [by, kind] of KINDS.entries())
          await assertExpects(store, taught([{ render: 1000 + by }]), kind);
      },
    },
    {
      name: "given step ids that are members of every object, keeps them apart",
      async run({ open }) {
        const store = await open();
        const durations = Object.fromEntries(STEPS.map((step, by) => [step, 1000 + by]));
        for (const _ of range(2)) await store.learn(KIND, durations);
        await assertExpects(store, taught([durations, durations]));
      },
    },
    {
      name: "given durations and results that the caller changes later, keeps its own",
      async run({ open }) {
        const store = await open();
        const durations: Record<string, number> = { render: 1000 };
        const call = store.learn(KIND, durations);
        durations.render = 9000;
        await call;
        const known = (await store.expectations(KIND)) as Record<string, { count: number }>;
        try {
          Object.assign(known.render ?? {}, { count: 99 });
          delete known.render;
        } catch {
          // The result may be frozen.
        }
        await assertExpects(store, taught([{ render: 1000 }]));
      },
    },
    {
      name: "given concurrent calls, counts each",
      run: async ({ open }) => learnAtOnce([await open()]),
    },
    {
      name: "given two instances, counts each of their concurrent calls",
      needs: "shared",
      run: async ({ open }) => learnAtOnce([await open(), await open()]),
    },
    {
      name: "given concurrent calls with the same steps in different orders, answers each",
      async run({ open }) {
        const store = await open();
        const steps = range(20).map((by) => `step-${by}`);
        const [there, back] = [steps, [...steps].reverse()].map((order) =>
          Object.fromEntries(order.map((step) => [step, 1000])),
        );
        await Promise.all(
          range(20).map((by) => store.learn(KIND, (by % 2 === 0 ? there : back) ?? {})),
        );
        const counts = Object.values(await store.expectations(KIND)).map(({ count }) => count);
        assertEqual(counts, Array(20).fill(20), "the counts");
      },
    },
    {
      name: "given a thousand kinds, keeps what is known of each",
      async run({ open }) {
        const store = await open();
        const kinds = range(1000).map((by) => `kind-${by}`);
        for (const by of range(20))
          await Promise.all(
            kinds.slice(50 * by, 50 * by + 50).map((kind) => store.learn(kind, { render: 1000 })),
          );
        for (const kind of ["kind-0", "kind-1", "kind-500", "kind-999"])
          await assertExpects(store, taught([{ render: 1000 }]), kind);
      },
    },
    {
      name: "given stores over different spaces, does not mix what they know",
      async run({ open, openElsewhere }) {
        const [store, elsewhere] = [await open(), await openElsewhere()];
        await store.learn(KIND, { render: 1000 });
        await elsewhere.learn(KIND, { upload: 7 });
        await assertExpects(store, taught([{ render: 1000 }]));
        await assertExpects(elsewhere, taught([{ upload: 7 }]));
      },
    },
    {
      name: "given a store that was closed, the next one knows the same",
      needs: "durable",
      async run({ open }) {
        const first = await open();
        await first.learn(KIND, { render: 1000 });
        await first.close();
        const second = await open();
        await second.learn(KIND, { render: 2000 });
        await assertExpects(second, taught([{ render: 1000 }, { render: 2000 }]));
      },
    },
    {
      name: "given a backend that lost its data, begins anew",
      needs: "emptied",
      async run({ open, empty }) {
        const store = await open();
        await store.learn(KIND, { render: 1000 });
        await empty();
        assertEqual(await store.expectations(KIND), {}, "expectations");
        await store.learn(KIND, { render: 2000 });
        await assertExpects(store, taught([{ render: 2000 }]));
      },
    },
  ],
};
