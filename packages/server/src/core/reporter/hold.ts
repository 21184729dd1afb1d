import type { Cursor, HoldWrite } from "@emlinh/progress-protocol";
import { newHoldToken } from "../../shared/ids.js";

/** A worker's hold on its job: it names each of the worker's writes, so that the store accepts each one once. */
export interface JobHold {
  /** Names a write that opens the job. */
  opening(seen: Cursor, takeOver: boolean): HoldWrite;
  /** Names the next write. A retry of a write keeps the name of its first try. */
  next(): HoldWrite;
}

/** A new hold, which no store knows yet. */
export function createHold(): JobHold {
  const token = newHoldToken();
  let count = 0;

  function next(): HoldWrite {
    count += 1;
    return { token, count };
  }

  return { next, opening: (seen, takeOver) => ({ ...next(), opens: { seen, takeOver } }) };
}
