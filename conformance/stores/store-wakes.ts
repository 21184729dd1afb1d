import type { ProgressStore } from "@emlinh/progress-server";
import type { TestContext } from "@emlinh/progress-server/testing/context";
import type { Waker } from "@emlinh/progress-server/testing/waker";

/** The wakes that a store owes. */
interface OwedWakes {
  /** To be called before a change to a job; what it returns, after it, if it was one. */
  begin(id: string): () => void;
  /** Resolves when each watch was woken for the last change to its job, or later. */
  end(): Promise<void>;
}

/** Watches every job on every instance. */
export async function watchAll(
  stores: readonly ProgressStore[],
  ids: readonly string[],
  { waker }: Pick<TestContext, "waker">,
): Promise<OwedWakes> {
  const wakers = new Map<string, Waker[]>();
  for (const id of ids) {
    const own = stores.map(() => waker());
    wakers.set(id, own);
    await Promise.all(own.map(({ wake }, index) => stores[index]?.watch(id, wake)));
  }
  const owed = new Map<Waker, number>();
  return {
    begin(id) {
      const seen = (wakers.get(id) ?? []).map((each) => [each, each.count()] as const);
      return () => {
        for (const [each, count] of seen) owed.set(each, count);
      };
    },
    async end() {
      await Promise.all([...owed].map(([each, seen]) => each.wakeAfter(seen)));
    },
  };
}
