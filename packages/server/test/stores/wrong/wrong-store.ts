import { type Fields, type Json, parseCursor } from "@emlinh/progress-protocol";
import type {
  ProgressStore,
  StoredDelta,
  SweepReport,
  Wake,
  WatchTarget,
  Written,
} from "../../../src/core/store.js";
import type { StoreCapabilities, SuiteStoreOptions } from "../../../src/testing/index.js";
import { type Subject, sharedMemory } from "../shared-memory.js";

/** A store that breaks the contract in one way. */
export interface WrongStore {
  /** Completes "given a store that …". */
  readonly does: string;
  /** The group of the suite that must fail. */
  readonly group: string;
  /**
   * Other groups that must fail too: they have tests that fail for no wrong store of their own.
   *
   * @defaultValue none
   */
  readonly otherGroups?: readonly string[];
  /** The clock that it uses. @defaultValue `"injected"` */
  readonly clock?: StoreCapabilities["clock"];
  /** The clock that its capabilities claim, if it is another one. */
  readonly claims?: StoreCapabilities["clock"];
  readonly options?: (options: SuiteStoreOptions) => SuiteStoreOptions;
  readonly wrong?: (right: ProgressStore, options: SuiteStoreOptions) => Partial<ProgressStore>;
}

/** Makes a wrong store from a right one. */
export function subjectOf({
  clock = "injected",
  claims = clock,
  options: change = (options) => options,
  wrong,
}: Omit<WrongStore, "does" | "group" | "otherGroups">): Subject {
  const right = sharedMemory(clock);
  return {
    capabilities: { ...right.capabilities, clock: claims },
    async makeStore(options) {
      const changed = change(options);
      const store = await right.makeStore(changed);
      return { ...store, ...wrong?.(store, changed) };
    },
  };
}

/** Lets other asynchronous work advance. */
export async function otherWork(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await null;
}

/** A store that returns altered deltas. */
export function altersDeltas(
  alter: (delta: StoredDelta, after: string | undefined, id: string) => StoredDelta | undefined,
) {
  return (right: ProgressStore): Partial<ProgressStore> => ({
    async read(id, after) {
      const delta = await right.read(id, after);
      return delta && alter(delta, after, id);
    },
  });
}

/** A store that alters each value before it stores it: fields, and the text and data of lines. */
export function altersValues(alter: (value: Json) => Json) {
  const inAll = (set: Fields): Fields =>
    Object.fromEntries(Object.entries(set).map(([field, value]) => [field, alter(value)]));
  return (right: ProgressStore): Partial<ProgressStore> => ({
    create: (draft) => right.create({ ...draft, set: inAll(draft.set) }),
    write: (id, { set, log, ...rest }) =>
      right.write(id, {
        ...rest,
        set: inAll(set),
        log: log.map((line) => ({
          ...line,
          text: String(alter(line.text)),
          ...(line.data !== undefined && { data: alter(line.data) }),
        })),
      }),
  });
}

/** Alters every value inside a value, from the leaves up. */
export function deeply(alter: (value: Json) => Json): (value: Json) => Json {
  const walk = (value: Json): Json => {
    if (Array.isArray(value)) return alter(value.map(walk));
    if (typeof value !== "object" || value === null) return alter(value);
    return alter(
      Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, walk(inner)])),
    );
  };
  return walk;
}

/** A store that calls wakes by another rule. */
export function altersWakes(
  rule: (wake: Wake, times: number, version: number | undefined) => void,
) {
  return (right: ProgressStore): Partial<ProgressStore> => ({
    watch(target, wake) {
      let times = 0;
      return right.watch(target, (version) => {
        times += 1;
        rule(wake, times, version);
      });
    },
  });
}

/** A text that is the same for the same target, for maps of watches. */
export function keyOf(target: WatchTarget): string {
  return "jobId" in target ? `job ${target.jobId}` : `subject ${target.subject}`;
}

/** The fields of a job; empty if there is no such job. */
export async function fieldsOf(store: ProgressStore, id: string): Promise<Fields> {
  return (await store.read(id).catch(() => undefined))?.set ?? {};
}

/** The answer to a write that is not made: the cursor of a read, and its time. */
export async function unwritten(store: ProgressStore, id: string): Promise<Written> {
  const { cursor = "", now = 0 } = (await store.read(id)) ?? {};
  return { cursor, now };
}

/** The version of a job; `0` if there is no such job. */
export async function versionOf(store: ProgressStore, id: string): Promise<number> {
  return parseCursor((await store.read(id).catch(() => undefined))?.cursor)?.version ?? 0;
}

/** A store that returns altered sweep reports. */
export function altersReports(
  alter: (report: SweepReport, now: number) => SweepReport | Promise<SweepReport>,
) {
  return (
    right: ProgressStore,
    { clock }: Pick<SuiteStoreOptions, "clock">,
  ): Partial<ProgressStore> => ({
    sweep: async (now, limit, onEnd) => alter(await right.sweep(now, limit, onEnd), now ?? clock()),
  });
}

/** A store that also keeps the leases and deadlines of jobs beside the right store. */
export function withTimes(
  of: (
    right: ProgressStore,
    times: { readonly leases: Map<string, number>; readonly deadlines: Map<string, number> },
    clock: () => number,
  ) => Partial<ProgressStore>,
): NonNullable<WrongStore["wrong"]> {
  return (right, { clock }) => {
    const times = { leases: new Map<string, number>(), deadlines: new Map<string, number>() };
    return {
      create(draft) {
        if (draft.deadlineMs !== undefined)
          times.deadlines.set(draft.id, clock() + draft.deadlineMs);
        return right.create(draft);
      },
      write(id, change) {
        if (change.leaseMs !== undefined) times.leases.set(id, clock() + change.leaseMs);
        return right.write(id, change);
      },
      ...of(right, times, clock),
    };
  };
}
