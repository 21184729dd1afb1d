import type { ProgressStore, WatchTarget } from "@emlinh/progress-server";
import type { TestContext } from "@emlinh/progress-server/testing/context";
import type { Waker } from "@emlinh/progress-server/testing/waker";

/** Checks that every watch is woken after every change. */
export interface ExpectedWakes {
  /** To be called before a change to targets. If there was a change, call the function that it returns afterwards. */
  begin(targets: readonly WatchTarget[]): () => void;
  /** Resolves when each watch was woken for the last change to its target, or later. */
  end(): Promise<void>;
}

/** Watches every target on every instance. */
export async function watchAll(
  stores: readonly ProgressStore[],
  targets: readonly WatchTarget[],
  { waker }: Pick<TestContext, "waker">,
): Promise<ExpectedWakes> {
  const wakers = new Map<string, Waker[]>();
  for (const target of targets) {
    const own = stores.map(() => waker());
    wakers.set(JSON.stringify(target), own);
    await Promise.all(own.map(({ wake }, index) => stores[index]?.watch(target, wake)));
  }
  /** The number of wakes before the last change, by waker. */
  const expected = new Map<Waker, number>();
  return {
    begin(changed) {
      const own = changed.flatMap((target) => wakers.get(JSON.stringify(target)) ?? []);
      const seen = own.map((each) => [each, each.count()] as const);
      return () => {
        for (const [each, count] of seen) expected.set(each, count);
      };
    },
    async end() {
      await Promise.all([...expected].map(([each, seen]) => each.wakeAfter(seen)));
    },
  };
}
