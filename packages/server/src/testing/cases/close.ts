import { refused, same } from "../assert.js";
import type { CaseGroup } from "../case.js";
import { change, draft, settle, upTo } from "../given.js";

export const CLOSE: CaseGroup = {
  group: "close",
  cases: [
    {
      name: "given close() twice, one after the other and at once, resolves each",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        await Promise.all([store.close(), store.close()]);
        await store.close();
      },
    },
    {
      name: "given a closed store, refuses every other verb",
      async run({ open, clock, waker }) {
        const store = await open();
        await store.create(draft("a"));
        await store.close();
        await refused(store.create(draft("b")), "closed", "create() of a closed store");
        await refused(
          store.write("a", change({ message: "late" })),
          "closed",
          "write() of a closed store",
        );
        await refused(store.read("a"), "closed", "read() of a closed store");
        await refused(store.watch("a", waker().wake), "closed", "watch() of a closed store");
        await refused(store.sweep(clock.now(), 10), "closed", "sweep() of a closed store");
      },
    },
    {
      name: "given a close in mid-flight, every call that was begun is answered",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        const writes = upTo(20).map((percent) => store.write("a", change({ percent })));
        const reads = upTo(20).map(() => store.read("a"));
        const [{ rejected }] = await Promise.all([
          settle<unknown>([...writes, ...reads]),
          store.close(),
        ]);
        for (const reason of rejected)
          await refused(
            Promise.reject(reason),
            ["closed", "store-unavailable"],
            "A call that the close cut off",
          );
      },
    },
    {
      name: "given a close while it creates, watches and sweeps, every call that was begun is answered",
      async run({ open, clock, waker }) {
        const store = await open();
        await store.create(draft("a"));
        const watches = upTo(5).map(() => store.watch("a", waker().wake));
        const others = [
          ...upTo(5).map((by) => store.create(draft(`job-${by}`, { key: `key ${by}` }))),
          ...[clock.now(), undefined].map((now) => store.sweep(now, 10)),
        ];
        const [{ rejected, fulfilled }, rest] = await Promise.all([
          settle(watches),
          settle<unknown>(others),
          store.close(),
        ]);
        for (const reason of [...rejected, ...rest.rejected])
          await refused(
            Promise.reject(reason),
            ["closed", "store-unavailable"],
            "A call that the close cut off",
          );
        for (const unwatch of fulfilled) await unwatch();
      },
    },
    {
      name: "given a watch that outlives its store, ends without a complaint",
      async run({ open, waker }) {
        const store = await open();
        await store.create(draft("a"));
        const { wake, count } = waker();
        const unwatch = await store.watch("a", wake);
        await store.close();
        const before = count();
        await unwatch();
        await unwatch();
        same(count(), before, "wakes before and after");
      },
    },
  ],
};
