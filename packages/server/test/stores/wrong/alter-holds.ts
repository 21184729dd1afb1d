import type { Change, HoldWrite } from "@emlinh/progress-protocol";
import type { ProgressStore, Written } from "../../../src/core/store.js";

/** A store that alters the hold of each write that has one. */
export function altersHolds(alter: (hold: HoldWrite, change: Change) => HoldWrite) {
  return (right: ProgressStore): Partial<ProgressStore> => ({
    write: (id, change) =>
      right.write(
        id,
        change.hold === undefined ? change : { ...change, hold: alter(change.hold, change) },
      ),
  });
}

/** Writes with a hold that the right store must accept. */
export async function force(right: ProgressStore, id: string, change: Change): Promise<Written> {
  const { cursor: seen = "" } = (await right.read(id)) ?? {};
  const { token = "" } = change.hold ?? {};
  return right.write(id, {
    ...change,
    hold: { token, count: 1e15, opens: { seen, takeOver: true } },
  });
}
