/** Adds names to the `Vary` header that middleware (CORS, compression) may have set. */
export function mergeVary(
  before: string | number | readonly string[] | undefined,
  ours: string,
): string {
  const names = new Map<string, string>();
  for (const name of `${before ?? ""},${ours}`.split(",")) {
    const trimmed = name.trim();
    if (trimmed !== "" && !names.has(trimmed.toLowerCase()))
      names.set(trimmed.toLowerCase(), trimmed);
  }
  return names.has("*") ? "*" : [...names.values()].join(", ");
}
