/**
 * Names a member of an object that nothing reads, with the name that was probably meant: `"persent"; did you mean
 * "percent"?`
 *
 * @returns `undefined` if all members are known, or the value is not an object.
 */
export function unknownMember(value: unknown, known: readonly string[]): string | undefined {
  const name = namesOf(value).find((key) => !known.includes(key));
  if (name === undefined) return undefined;
  const shown = JSON.stringify(name.slice(0, 64));
  const nearest = nearestName(name, known);
  return nearest === undefined
    ? `${shown}; known ${known.length === 1 ? "is only" : "are"} ${listed(known)}.`
    : `${shown}; did you mean "${nearest}"?`;
}

/** The most names that a message lists. The types have all. */
const MAX_LISTED = 10;

/** Names as a message lists them. */
export function listed(names: readonly string[]): string {
  const first = names.slice(0, MAX_LISTED).map((name) => `"${name}"`);
  return `${first.join(", ")}${names.length > MAX_LISTED ? " and others" : ""}`;
}

function namesOf(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  try {
    return Object.keys(value);
  } catch {
    // A proxy of the caller. Its members can't be read either, which is reported where they are read.
    return [];
  }
}

/** The known name that differs in the fewest letters, if few enough differ. */
function nearestName(name: string, known: readonly string[]): string | undefined {
  const wanted = name.toLowerCase().slice(0, 64);
  let nearest: string | undefined;
  // Every short name is near to another short one.
  const most = wanted.length < 4 ? 1 : Math.max(2, Math.floor(wanted.length / 3));
  let fewest = most + 1;
  for (const candidate of known) {
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance < fewest) [nearest, fewest] = [candidate, distance];
  }
  return nearest;
}

/** The number of letters to insert, delete or replace (Levenshtein). */
function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...one].entries()) {
    const next = [index + 1];
    for (let at = 1; at <= other.length; at += 1) {
      const replaced = (row[at - 1] ?? 0) + (letter === other[at - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[at] ?? 0) + 1, (next[at - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}
