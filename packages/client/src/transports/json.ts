/** The value of a JSON text; `undefined` if the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A member of parsed JSON if it is a finite number of at least 0, else `undefined`. */
export function numberOf(data: unknown, name: string): number | undefined {
  const value = memberOf(data, name);
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : undefined;
}

/** A member of parsed JSON if it is a string, else `undefined`. */
export function stringOf(data: unknown, name: string): string | undefined {
  const value = memberOf(data, name);
  return typeof value === "string" ? value : undefined;
}

function memberOf(data: unknown, name: string): unknown {
  return (data as { readonly [name: string]: unknown } | null | undefined)?.[name];
}
