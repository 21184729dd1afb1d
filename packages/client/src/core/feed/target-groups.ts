import type { FeedTargets } from "./feed.js";

/** The most targets of one request, and the most characters of their names (P68). */
const MAX = { jobs: { count: 100, chars: 6_000 }, subjects: { count: 10, chars: 1_500 } } as const;

type Kind = keyof typeof MAX;

/** The targets of one connection. */
export type TargetGroup = { readonly [K in Kind]: Set<string> };

/** Makes a group without targets. */
export const emptyGroup = (): TargetGroup => ({ jobs: new Set(), subjects: new Set() });

/**
 * Distributes targets among as few groups as a server accepts. A target stays in its group, so that a target which
 * leaves does not move the others.
 *
 * @param groups - Is changed: it has further groups at its end if the targets need them.
 */
export function assignTargets(groups: TargetGroup[], targets: FeedTargets): void {
  for (const kind of ["jobs", "subjects"] as const) {
    const missing = new Set(targets[kind]);
    for (const group of groups)
      for (const name of group[kind]) if (!missing.delete(name)) group[kind].delete(name);
    for (const name of missing) groupWithRoom(groups, kind, name)[kind].add(name);
  }
}

function groupWithRoom(groups: TargetGroup[], kind: Kind, name: string): TargetGroup {
  const { count, chars } = MAX[kind];
  const found = groups.find((group) => {
    const names = [...group[kind], name];
    return names.length <= count && names.join(" ").length <= chars;
  });
  if (found) return found;
  const added = emptyGroup();
  groups.push(added);
  return added;
}
