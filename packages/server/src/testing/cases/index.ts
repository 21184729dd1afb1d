import type { CaseGroup } from "../case.js";
import { ALIASING } from "./aliasing.js";
import { ATTEMPT } from "./attempt.js";
import { CLOSE } from "./close.js";
import { CLOSED_STEPS } from "./closed-steps.js";
import { CONCURRENCY } from "./concurrency.js";
import { CREATE } from "./create.js";
import { CURSORS } from "./cursors.js";
import { DEADLINE } from "./deadline.js";
import { DONE } from "./done.js";
import { DURABLE } from "./durable.js";
import { EMPTIED } from "./emptied.js";
import { END } from "./end.js";
import { EXPECTATIONS } from "./expectations.js";
import { EXPIRY } from "./expiry.js";
import { HISTORIES } from "./histories.js";
import { HOLD } from "./hold.js";
import { LEASE } from "./lease.js";
import { LIST_PAGES } from "./list-pages.js";
import { LIST_WATCH } from "./list-watch.js";
import { LISTS } from "./lists.js";
import { LOG } from "./log.js";
import { REMOVE } from "./remove.js";
import { SHARED } from "./shared.js";
import { SHARED_LISTS } from "./shared-lists.js";
import { SKEW } from "./skew.js";
import { SWEEP } from "./sweep.js";
import { TIMES } from "./times.js";
import { VALUES } from "./values.js";
import { WAKES } from "./wakes.js";
import { WATCH } from "./watch.js";
import { WRITE } from "./write.js";

/** Every test of the suite, in the order in which the author of a new store should make them pass. */
export const GROUPS: readonly CaseGroup[] = [
  CREATE,
  WRITE,
  CURSORS,
  LOG,
  END,
  DONE,
  TIMES,
  CLOSED_STEPS,
  VALUES,
  ALIASING,
  CONCURRENCY,
  HISTORIES,
  WATCH,
  WAKES,
  HOLD,
  ATTEMPT,
  LEASE,
  DEADLINE,
  EXPIRY,
  SWEEP,
  REMOVE,
  LISTS,
  LIST_PAGES,
  LIST_WATCH,
  EXPECTATIONS,
  CLOSE,
  SHARED,
  SHARED_LISTS,
  SKEW,
  DURABLE,
  EMPTIED,
];
