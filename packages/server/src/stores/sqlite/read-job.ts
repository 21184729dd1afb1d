import {
  type Cursor,
  type LogLine,
  type NewLogLine,
  parseCursor,
  printCursor,
} from "@emlinh/progress-protocol";
import type { StoredDelta } from "../../core/store.js";
import { jobExpired } from "../../shared/errors.js";
import { decodeFields } from "./encoded-change.js";
import type { StoredChanges } from "./rows.js";
import type { Statements } from "./statements.js";

/** The arguments of {@link readJob}. */
interface JobRead {
  readonly jobId: string;
  readonly after: Cursor | undefined;
  readonly maxLogLines: number;
  readonly clock: () => number;
}

/**
 * Reads what changed after a cursor.
 *
 * @throws ProgressError `job-expired`
 */
export function readJob(
  { head, changes }: Statements,
  { jobId, after, maxLogLines, clock }: JobRead,
): StoredDelta | undefined {
  const from = parseCursor(after);
  // Most readers have everything. For them one index lookup is enough.
  const at = from && head(jobId);
  if (at && !at.removed && at.epoch === from.epoch && at.version === from.version)
    return { cursor: printCursor(at), reset: false, set: {}, log: [], done: at.done, now: clock() };
  // An epoch is never empty, so without a cursor the whole state is read.
  const stored = changes(jobId, from?.epoch ?? "", from?.version ?? 0);
  if (stored === undefined) return undefined;
  if (stored.removed) throw jobExpired(jobId);
  return {
    cursor: printCursor(stored),
    reset: from === undefined || from.epoch !== stored.epoch || from.version > stored.version,
    set: decodeFields(stored.fields),
    log: linesOf(stored, maxLogLines),
    done: stored.done,
    now: clock(),
  };
}

/** The newest lines. The file may hold more of them for a while. */
function linesOf({ batches }: StoredChanges, maxLogLines: number): readonly LogLine[] {
  return batches
    .flatMap(({ version, lastN, json }) => {
      const batch = JSON.parse(json) as readonly NewLogLine[];
      const before = lastN - batch.length;
      return batch.map((line, index) => ({ ...line, n: before + index + 1, version }));
    })
    .slice(-maxLogLines);
}
