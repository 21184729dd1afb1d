import { type Delta, type Fields, type Json, parseCursor } from "@emlinh/progress-protocol";
import type { ProgressStore, SweepReport, Wake } from "../../../src/core/store.js";
import type { StoreCapabilities, SuiteStoreOptions } from "../../../src/testing/index.js";
import { type Subject, sharedMemory } from "../shared-memory.js";

/** A store that does one thing wrong. */
export interface WrongStore {
  readonly does: string;
  /** The group of the suite that must notice. */
  readonly group: string;
  /** The time that it goes by. @defaultValue `"injected"` */
  readonly clock?: StoreCapabilities["clock"];
  /** The time that it claims to go by, if it is another. */
  readonly claims?: StoreCapabilities["clock"];
  readonly options?: (options: SuiteStoreOptions) => SuiteStoreOptions;
  readonly wrong?: (right: ProgressStore, options: SuiteStoreOptions) => Partial<ProgressStore>;
}

/** Makes the wrong one out of one that is right. */
export function subjectOf({
  clock = "injected",
  claims = clock,
  options: change = (options) => options,
  wrong,
}: Omit<WrongStore, "does" | "group">): Subject {
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

/** Gives way to whatever else is under way. */
export async function aWhile(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await null;
}

/** A store whose deltas are told otherwise. */
export function tells(
  change: (delta: Delta, after: string | undefined, id: string) => Delta | undefined,
) {
  return (right: ProgressStore): Partial<ProgressStore> => ({
    async read(id, after) {
      const delta = await right.read(id, after);
      return delta && change(delta, after, id);
    },
  });
}

/** A store that does something to each value before it keeps it: fields, and the lines' text and data. */
export function keeps(change: (value: Json) => Json) {
  const inAll = (set: Fields): Fields =>
    Object.fromEntries(Object.entries(set).map(([field, value]) => [field, change(value)]));
  return (right: ProgressStore): Partial<ProgressStore> => ({
    create: (draft) => right.create({ ...draft, set: inAll(draft.set) }),
    write: (id, { set, log, ...rest }) =>
      right.write(id, {
        ...rest,
        set: inAll(set),
        log: log.map((line) => ({
          ...line,
          text: String(change(line.text)),
          ...(line.data !== undefined && { data: change(line.data) }),
        })),
      }),
  });
}

/** Changes every value inside of a value, from the leaves up. */
export function deeply(change: (value: Json) => Json): (value: Json) => Json {
  const walk = (value: Json): Json => {
    if (Array.isArray(value)) return change(value.map(walk));
    if (typeof value !== "object" || value === null) return change(value);
    return change(
      Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, walk(inner)])),
    );
  };
  return walk;
}

/** A store that calls wakes by a rule of its own. */
export function wakes(rule: (wake: Wake, times: number, version: number | undefined) => void) {
  return (right: ProgressStore): Partial<ProgressStore> => ({
    watch(id, wake) {
      let times = 0;
      return right.watch(id, (version) => {
        times += 1;
        rule(wake, times, version);
      });
    },
  });
}

/** A job's fields; empty if it isn't there. */
export async function fieldsOf(store: ProgressStore, id: string): Promise<Fields> {
  return (await store.read(id).catch(() => undefined))?.set ?? {};
}

/** Its version, `0` if it isn't there. */
export async function versionIn(store: ProgressStore, id: string): Promise<number> {
  return parseCursor((await store.read(id).catch(() => undefined))?.cursor)?.version ?? 0;
}

/** A store whose sweeps report otherwise. */
export function reports(
  change: (report: SweepReport, now: number) => SweepReport | Promise<SweepReport>,
) {
  return (
    right: ProgressStore,
    { clock }: Pick<SuiteStoreOptions, "clock">,
  ): Partial<ProgressStore> => ({
    sweep: async (now, limit) => change(await right.sweep(now, limit), now ?? clock()),
  });
}

/** A store that remembers until when jobs are leased, or have their deadlines, beside the right one. */
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
