/** Any JSON value. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

/** An object of JSON values. */
export type JsonObject = { readonly [key: string]: Json };

/** A number, or 0 in place of anything else: arithmetic with an object of a foreign server may throw. */
export function numberOr0(value: unknown): number {
  return typeof value === "number" ? value : 0;
}
