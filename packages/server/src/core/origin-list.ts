import { checksFor } from "../shared/option-checks.js";
import { normalOrigin } from "../shared/origin.js";

const { invalid } = checksFor("createProgress");

/**
 * Checks a list of origins and writes each as {@link normalOrigin} does.
 *
 * @param name - The option, for the error.
 * @throws ProgressError `invalid-option`
 */
export function resolveOrigins(name: string, origins: readonly string[]): ReadonlySet<string> {
  if (!Array.isArray(origins))
    throw invalid(name, origins, 'an array such as ["https://app.example.com"]');
  return new Set(
    // Unlike `map`, it looks at the holes of an array, and so refuses a long one without members at once.
    Array.from(origins, (origin: unknown, index) => {
      const normal = typeof origin === "string" ? normalOrigin(origin) : undefined;
      if (normal !== undefined) return normal;
      const wanted =
        'an origin such as "https://app.example.com": scheme, host and port, without a path';
      throw invalid(`${name}[${index}]`, origin, wanted);
    }),
  );
}
