import type { ProgressStore } from "@emlinh/progress-server";
import type { TestContext } from "@emlinh/progress-server/testing/context";
import type { Waker } from "@emlinh/progress-server/testing/waker";

/** Checks that every watch is woken after every change. */
export interface ExpectedWakes {
  /** To be called before a change to a job. If there was a change, call the function that it returns afterwards. */
  begin(id: string): () => void;
  /** Resolves when each watch was woken for the last change to its job, or later. */
  end(): Promise<void>;
}

/** Watches every job on every instance. */
export async function watchAll(
  stores: readonly ProgressStore[],
  ids: readonly string[],
  { waker }: Pick<TestContext, "waker">,
): Promise<ExpectedWakes> {
  const wakers = new Map<string, Waker[]>();
  for (const id of ids) {
    const own = stores.map(() => waker());
    wakers.set(id, own);
    await Promise.all(own.map(({ wake }, index) => stores[index]?.watch({ jobId: id }, wake)));
  }
  /** The number of wakes before the last change, by waker. */
  const expected = new Map<Waker, number>();
  return {
    begin(id) {
      const seen = (wakers.get(id) ?? []).map((each) => [each, each.count()] as const);
      return () => {
        for (const [each, count] of seen) expected.set(each, count);
      };
    },
    async end() {
      await Promise.all([...expected].map(([each, seen]) => each.wakeAfter(seen)));
    },
  };
}
