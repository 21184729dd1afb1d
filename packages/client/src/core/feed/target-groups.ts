import type { FeedTargets } from "./feed.js";

/** The most targets of one request, by default (P68). */
export const MAX_TARGETS: TargetCounts = { jobs: 100, subjects: 10 };

/** The most characters of their names in one request. */
const MAX_CHARS = { jobs: 6_000, subjects: 1_500 } as const;

const KINDS = ["jobs", "subjects"] as const;

type Kind = (typeof KINDS)[number];

/** The targets of one connection. */
export type TargetGroup = { readonly [K in Kind]: Set<string> };

/** A number of targets. */
export type TargetCounts = { readonly [K in Kind]: number };

/** Makes a group without targets. */
export const emptyGroup = (): TargetGroup => ({ jobs: new Set(), subjects: new Set() });

/**
 * The limits after the server refused a request as too large: half of it. `undefined` for a request that can't be
 * smaller.
 */
export function smallerLimits(
  { jobs, subjects }: TargetCounts,
  limits: TargetCounts,
): TargetCounts | undefined {
  if (jobs < 2 && subjects < 2) return undefined;
  return {
    jobs: Math.min(limits.jobs, halfOf(jobs)),
    subjects: Math.min(limits.subjects, halfOf(subjects)),
  };
}

const halfOf = (count: number): number => Math.max(1, Math.floor(count / 2));

/**
 * Distributes targets among as few groups as a server accepts. A target stays in its group if that has room for it, so
 * that a target which leaves does not move the others.
 *
 * @param groups - Is changed: it has further groups at its end if the targets need them.
 */
export function assignTargets(
  groups: TargetGroup[],
  targets: FeedTargets,
  limits: TargetCounts = MAX_TARGETS,
): void {
  for (const kind of KINDS) {
    const missing = new Set(targets[kind]);
    for (const group of groups) {
      const names = [...group[kind]];
      group[kind].clear();
      for (const name of names)
        if (group[kind].size < limits[kind] && missing.delete(name)) group[kind].add(name);
    }
    for (const name of missing) groupWithRoom(groups, kind, { name, limits })[kind].add(name);
  }
}

function groupWithRoom(
  groups: TargetGroup[],
  kind: Kind,
  { name, limits }: { readonly name: string; readonly limits: TargetCounts },
): TargetGroup {
  const found = groups.find((group) => {
    const names = [...group[kind], name];
    return names.length <= limits[kind] && names.join(" ").length <= MAX_CHARS[kind];
  });
  if (found) return found;
  const added = emptyGroup();
  groups.push(added);
  return added;
}
