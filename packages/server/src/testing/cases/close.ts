import { assertEqual, assertRejects } from "../assert.js";
import type { CaseGroup } from "../case.js";
import { change, draft, outcomesOf, range } from "../fixtures.js";

export const CLOSE: CaseGroup = {
  group: "close",
  cases: [
    {
      name: "given several calls of close(), concurrent and in sequence, resolves each",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        await Promise.all([store.close(), store.close()]);
        await store.close();
      },
    },
    {
      name: "given a closed store, refuses every other method",
      async run({ open, clock, waker }) {
        const store = await open();
        await store.create(draft("a"));
        await store.close();
        await assertRejects(store.create(draft("b")), "closed", "create() of a closed store");
        await assertRejects(
          store.write("a", change({ message: "late" })),
          "closed",
          "write() of a closed store",
        );
        await assertRejects(store.read("a"), "closed", "read() of a closed store");
        await assertRejects(
          store.watch({ jobId: "a" }, waker().wake),
          "closed",
          "watch() of a closed store",
        );
        await assertRejects(
          store.watch({ subject: "a" }, waker().wake),
          "closed",
          "watch() of a subject of a closed store",
        );
        await assertRejects(store.list("a", { limit: 1 }), "closed", "list() of a closed store");
        await assertRejects(store.learn("a", {}), "closed", "learn() of a closed store");
        await assertRejects(store.expectations("a"), "closed", "expectations() of a closed store");
        await assertRejects(store.remove("a"), "closed", "remove() of a closed store");
        await assertRejects(store.sweep(clock.now(), 10), "closed", "sweep() of a closed store");
      },
    },
    {
      name: "given a close during writes and reads, answers every call that was begun",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        const writes = range(20).map((percent) => store.write("a", change({ percent })));
        const reads = range(20).map(() => store.read("a"));
        const [{ rejected }] = await Promise.all([
          outcomesOf<unknown>([...writes, ...reads]),
          store.close(),
        ]);
        for (const reason of rejected)
          await assertRejects(
            Promise.reject(reason),
            ["closed", "store-unavailable"],
            "A call that close() interrupted",
          );
      },
    },
    {
      name: "given a close during calls of the other methods, answers every call that was begun",
      async run({ open, clock, waker }) {
        const store = await open();
        await store.create(draft("a"));
        const watches = range(5).map(() => store.watch({ jobId: "a" }, waker().wake));
        const others = [
          ...range(5).map((by) => store.create(draft(`job-${by}`, { key: `key ${by}` }))),
          store.list("a", { limit: 1 }),
          store.learn("video", { render: 1000 }),
          store.expectations("video"),
          store.remove("a"),
          ...[clock.now(), undefined].map((now) => store.sweep(now, 10)),
        ];
        const [{ rejected, fulfilled }, rest] = await Promise.all([
          outcomesOf(watches),
          outcomesOf<unknown>(others),
          store.close(),
        ]);
        for (const reason of [...rejected, ...rest.rejected])
          await assertRejects(
            Promise.reject(reason),
            ["closed", "store-unavailable"],
            "A call that close() interrupted",
          );
        for (const unwatch of fulfilled) await unwatch();
      },
    },
    {
      name: "given a watch that ends after its store was closed, does not throw",
      async run({ open, waker }) {
        const store = await open();
        await store.create(draft("a"));
        const { wake, count } = waker();
        const unwatch = await store.watch({ jobId: "a" }, wake);
        await store.close();
        const before = count();
        await unwatch();
        await unwatch();
        assertEqual(count(), before, "wakes before and after");
      },
    },
  ],
};
