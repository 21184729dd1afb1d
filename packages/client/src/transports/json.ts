/** The value of a JSON text; `undefined` if the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Any parsed JSON: values without members have `undefined` for each name. */
type Members = { readonly [name: string]: unknown } | null | undefined;

/** A member of parsed JSON if it is a finite number of at least 0, else the fallback. */
export function numberOf(data: unknown, name: string, fallback: number): number {
  const value = (data as Members)?.[name];
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : fallback;
}

/** A member of parsed JSON if it is a string, else the fallback. */
export function stringOf(data: unknown, name: string, fallback: string): string {
  const value = (data as Members)?.[name];
  return typeof value === "string" ? value : fallback;
}
