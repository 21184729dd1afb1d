import type {
  Durations,
  Expectation,
  Expectations,
  ProgressStore,
} from "../../../src/core/store.js";
import { learned } from "../../../src/shared/expectations.js";
import { otherWork, type WrongStore } from "./wrong-store.js";

/** A store that returns other expectations. */
function altersExpectations(alter: (known: Expectation, step: string) => Expectation | undefined) {
  return (right: ProgressStore): Partial<ProgressStore> => ({
    async expectations(kind) {
      const known = Object.entries(await right.expectations(kind));
      const altered = known.map(([step, each]) => [step, alter(each, step)] as const);
      return Object.fromEntries(
        altered.flatMap(([step, each]) => (each === undefined ? [] : [[step, each] as const])),
      );
    },
  });
}

/** A store that alters the kind and the durations of each call. */
function altersCalls(
  kindOf: (kind: string) => string,
  durationsOf: (durations: Durations) => Durations = (durations) => durations,
) {
  return (right: ProgressStore): Partial<ProgressStore> => ({
    learn: (kind, durations) => right.learn(kindOf(kind), durationsOf(durations)),
    expectations: (kind) => right.expectations(kindOf(kind)),
  });
}

/** A store that keeps by itself what it learns, in maps that `keptBy` returns. */
function learnsBy(keptBy: (right: ProgressStore) => Map<string, Map<string, Expectation>>) {
  return (right: ProgressStore): Partial<ProgressStore> => {
    const kept = keptBy(right);
    return {
      async learn(kind, durations) {
        const steps = kept.get(kind) ?? new Map<string, Expectation>();
        kept.set(kind, steps);
        for (const [step, ms] of Object.entries(durations))
          steps.set(step, learned(steps.get(step), ms));
      },
      expectations: async (kind) => Object.fromEntries(kept.get(kind) ?? []),
    };
  };
}

/** What the stores of all spaces have learned, as a store without prefixes would keep it. */
const EVERYWHERE = new Map<string, Map<string, Expectation>>();

/** The steps of a call, in a plain object, in which some names are lost. */
function plainCopy(durations: Durations): Durations {
  const copy: Record<string, number> = {};
  for (const [step, ms] of Object.entries(durations)) copy[step] = ms;
  return copy;
}

/** A store that reads what is known, computes, and writes it back. */
function readsThenWrites(right: ProgressStore): Partial<ProgressStore> {
  const kept = new Map<string, Expectations>();
  return {
    async learn(kind, durations) {
      const copy = { ...durations };
      const known = new Map(Object.entries(kept.get(kind) ?? {}));
      await otherWork();
      for (const [step, ms] of Object.entries(copy)) known.set(step, learned(known.get(step), ms));
      kept.set(kind, Object.fromEntries(known));
    },
    async expectations(kind) {
      await right.expectations(kind);
      return kept.get(kind) ?? {};
    },
  };
}

/** Wrong expectations. */
export const WRONG_EXPECTATIONS: readonly WrongStore[] = [
  {
    does: "learns nothing",
    group: "expectations",
    wrong: () => ({ learn: async () => {} }),
  },
  {
    does: "throws for an unknown kind",
    group: "expectations",
    wrong: (right) => ({
      async expectations(kind) {
        const known = await right.expectations(kind);
        if (Object.keys(known).length === 0) throw new Error("There is no such kind.");
        return known;
      },
    }),
  },
  {
    does: "expects a step that no job had",
    group: "expectations",
    wrong: (right) => ({
      async expectations(kind) {
        const known = await right.expectations(kind);
        return Object.keys(known).length > 0
          ? known
          : { total: { count: 1, mean: 0, variance: 0 } };
      },
    }),
  },
  {
    does: "rounds means",
    group: "expectations",
    wrong: altersExpectations((known) => ({ ...known, mean: Math.round(known.mean * 1e6) / 1e6 })),
  },
  {
    does: "counts at most ten jobs",
    group: "expectations",
    wrong: altersExpectations((known) => ({ ...known, count: Math.min(10, known.count) })),
  },
  {
    does: "has no variance",
    group: "expectations",
    wrong: altersExpectations((known) => ({ ...known, variance: 0 })),
  },
  {
    does: "keeps the steps of the last job",
    group: "expectations",
    wrong: (right) => {
      const last = new Map<string, readonly string[]>();
      return {
        learn(kind, durations) {
          last.set(kind, Object.keys(durations));
          return right.learn(kind, durations);
        },
        async expectations(kind) {
          const known = Object.entries(await right.expectations(kind));
          return Object.fromEntries(known.filter(([step]) => last.get(kind)?.includes(step)));
        },
      };
    },
  },
  {
    does: "ignores the case of kinds",
    group: "expectations",
    wrong: altersCalls((kind) => kind.toLowerCase()),
  },
  {
    does: "ends a kind at its first NUL",
    group: "expectations",
    wrong: altersCalls((kind) => kind.split("\0", 1)[0] ?? kind),
  },
  {
    does: "stores every lone surrogate as the same character",
    group: "expectations",
    wrong: altersCalls((kind) => kind.replace(/^[\ud800-\udfff]$/, "\ufffd")),
  },
  {
    does: "ignores the case of step ids",
    group: "expectations",
    wrong: altersCalls(
      (kind) => kind,
      (all) =>
        Object.fromEntries(Object.entries(all).map(([step, ms]) => [step.toLowerCase(), ms])),
    ),
  },
  {
    does: "loses the step __proto__",
    group: "expectations",
    wrong: altersCalls((kind) => kind, plainCopy),
  },
  {
    does: "reads the caller's durations after the call",
    group: "expectations",
    wrong: (right) => ({
      async learn(kind, durations) {
        await otherWork();
        return right.learn(kind, durations);
      },
    }),
  },
  {
    does: "returns its own objects",
    group: "expectations",
    wrong: learnsBy(() => new Map()),
  },
  { does: "loses one of two concurrent calls", group: "expectations", wrong: readsThenWrites },
  {
    does: "keeps ten kinds",
    group: "expectations",
    wrong: (right) => {
      const kinds = new Set<string>();
      return {
        learn(kind, durations) {
          kinds.add(kind);
          return right.learn(kind, durations);
        },
        async expectations(kind) {
          return [...kinds].slice(-20).includes(kind) ? right.expectations(kind) : {};
        },
      };
    },
  },
  {
    does: "learns from the jobs of every space",
    group: "expectations",
    wrong: learnsBy(() => EVERYWHERE),
  },
  {
    does: "keeps what it learns in its process",
    group: "expectations",
    wrong: learnsBy(() => new Map()),
  },
  {
    does: "returns a copy of what its backend has lost",
    group: "expectations",
    wrong: (right) => {
      const copies = new Map<string, Expectations>();
      return {
        async learn(kind, durations) {
          await right.learn(kind, durations);
          copies.set(kind, await right.expectations(kind));
        },
        expectations: async (kind) => copies.get(kind) ?? right.expectations(kind),
      };
    },
  },
  {
    does: "fails if the steps of two concurrent calls are in different orders",
    group: "expectations",
    wrong: (right) => {
      let first: string | undefined;
      return {
        async learn(kind, durations) {
          const [step] = Object.keys(durations);
          const isDeadlock = first !== undefined && first !== step && step?.startsWith("step-");
          first = step;
          await null;
          first = undefined;
          if (isDeadlock) throw new Error("deadlock detected");
          return right.learn(kind, durations);
        },
      };
    },
  },
];
