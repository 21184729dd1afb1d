import { parseArgs } from "node:util";

/** The options of the benchmarks. Each one uses those that concern it. */
const OPTIONS = /** @type {const} */ ({
  rounds: { type: "string" },
  servers: { type: "string" },
  "stall-seconds": { type: "string" },
  minutes: { type: "string" },
  smoke: { type: "boolean" },
  record: { type: "boolean" },
  update: { type: "boolean" },
});

/**
 * Reads a command line: the names of benchmarks, and options.
 *
 * @param {string[]} args
 * @throws TypeError for an unknown option, and RangeError for a value that is not a number above 0.
 */
export function readOptions(args) {
  const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true });
  const smoke = values.smoke ?? false;
  return {
    names: positionals,
    /** Whether the benchmark only has to show that it works: tiny sizes, one round, no peers. */
    smoke,
    /** Whether `eta` makes its recordings anew. */
    record: values.record ?? false,
    /** Whether `eta` writes its tables into `docs/eta.md`. A new recording does so too. */
    update: values.update ?? false,
    /** The servers that are measured; `undefined` for all. */
    servers: values.servers?.split(","),
    rounds: numberOf("rounds", values.rounds, smoke ? 1 : 3),
    stallSeconds: numberOf("stall-seconds", values["stall-seconds"], smoke ? 1 : 60),
    minutes: numberOf("minutes", values.minutes, smoke ? 0.04 : 10),
  };
}

/**
 * @param {string} name
 * @param {string | undefined} text
 * @param {number} fallback
 */
function numberOf(name, text, fallback) {
  const value = Number(text ?? fallback);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new RangeError(`--${name} must be a number above 0, got ${text}.`);
}
