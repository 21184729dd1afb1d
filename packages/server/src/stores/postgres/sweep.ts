import { printCursor } from "@emlinh/progress-protocol";
import type { ProgressStore } from "../../core/store.js";
import { sweepCounts } from "../../shared/lifecycle.js";
import type { PostgresCalls } from "./calls.js";
import type { ChangeNotification } from "./change-notification.js";
import { listKey } from "./watch-key.js";

/** The most calls of one sweep. Jobs of which it only corrects `due_at` do not count towards its limit. */
const MAX_CALLS = 100;

/** Makes a sweep of one store; see `ProgressStore.sweep`. */
export type PostgresSweep = ProgressStore["sweep"];

/** @param notify - Called for each job that was changed, and each list that a job has left. */
export function postgresSweep(
  calls: PostgresCalls,
  notify: (notification: ChangeNotification) => void,
): PostgresSweep {
  return async (now, limit, onEnd) => {
    const counts = sweepCounts(onEnd);
    let more = true;
    for (let round = 0; more && counts.total() < limit && round < MAX_CALLS; round += 1) {
      const answer = await calls.sweep(now, limit - counts.total());
      for (const { id: key, transition, epoch, version } of answer.swept) {
        counts.add(transition, key);
        const isRemoved = transition === "expired";
        notify({ key, cursor: isRemoved ? undefined : printCursor({ epoch, version }) });
      }
      for (const subject of answer.subjects ?? []) notify({ key: listKey(subject) });
      more = counts.total() < limit ? !answer.done : answer.more;
    }
    return counts.report(more);
  };
}
