import { checksFor } from "../shared/option-checks.js";
import { normalOrigin } from "../shared/origin.js";

const { invalid, list } = checksFor("createProgress");

/**
 * Returns a copy of a list of origins, whose members are still to be checked.
 *
 * @throws ProgressError `invalid-option` for a value that is no array, or a long one.
 */
export function listOfOrigins(name: string, origins: unknown): readonly unknown[] {
  return list(name, origins, 'an array such as ["https://app.example.com"]');
}

/**
 * Checks a list of origins and writes each as {@link normalOrigin} does.
 *
 * @param name - The option, for the error.
 * @throws ProgressError `invalid-option`
 */
export function resolveOrigins(name: string, origins: unknown): ReadonlySet<string> {
  return new Set(
    listOfOrigins(name, origins).map((origin, index) => {
      const normal = typeof origin === "string" ? normalOrigin(origin) : undefined;
      if (normal !== undefined) return normal;
      const wanted =
        'an origin such as "https://app.example.com": scheme, host and port, without a path';
      throw invalid(`${name}[${index}]`, origin, wanted);
    }),
  );
}
