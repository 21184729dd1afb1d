import type { Change, Fields, Json } from "@emlinh/progress-protocol";
import fc from "fast-check";

/** Texts that have broken formats before: line ends, NUL, separators, lone surrogates, the empty text. */
const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom(
    "",
    "\n",
    "\r\n",
    "a\rb",
    "\u0000",
    "\u2028",
    "\ud800",
    "\udc00x",
    "data: x\n\n",
    "\ufeff",
    "0",
  ),
);

/** Any JSON value, as it is read back from its text: JSON writes -0 as 0. */
export const json: fc.Arbitrary<Json> = fc
  .jsonValue({ maxDepth: 2 })
  .map((value) => JSON.parse(JSON.stringify(value)) as Json);

const orNull = (value: fc.Arbitrary<Json>): fc.Arbitrary<Json> => fc.option(value);
const percent = orNull(fc.integer({ min: 0, max: 1000 }).map((tenths) => tenths / 10));
const time = fc.nat();
const terminalStatus = fc.constantFrom("completed", "failed", "cancelled", "lost", "timed-out");
const step: fc.Arbitrary<Json> = fc.record(
  {
    status: fc.constantFrom("running", "completed", "failed", "skipped"),
    percent,
    done: fc.nat(),
    total: fc.nat(),
    unit: hostileText,
    message: hostileText,
    startedAt: time,
    finishedAt: time,
  },
  { requiredKeys: ["status", "percent"] },
);

/** Values of the right type for each field. The fields that the protocol does not type hold any JSON. */
const TYPED_FIELDS: { readonly [field: string]: fc.Arbitrary<Json> } = {
  kind: hostileText,
  status: fc.constantFrom("queued", "running"),
  attempt: fc.integer({ min: 1, max: 9 }),
  step: orNull(hostileText),
  message: orNull(hostileText),
  percent,
  plan: fc.array(fc.record({ id: hostileText, title: hostileText, weight: fc.nat() }), {
    maxLength: 2,
  }),
  result: json,
  error: orNull(fc.record({ code: hostileText, message: hostileText })),
  cancelRequested: fc.boolean(),
  createdAt: time,
  startedAt: orNull(time),
  updatedAt: time,
  finishedAt: orNull(time),
  stale: fc.boolean(),
  "steps.a": orNull(step),
  "steps.b": orNull(step),
  "metadata.k": json,
  "metadata.constructor": json,
};

/** A few fields with values of any type: the algebra of deltas does not depend on the types. */
const UNTYPED_FIELDS: { readonly [field: string]: fc.Arbitrary<Json> } = {
  status: fc.constantFrom("queued", "running"),
  message: fc.oneof(hostileText, json),
  percent: json,
  "steps.a": json,
  "steps.b": json,
  "metadata.k": json,
  "metadata.constructor": json,
};

function setOf(fields: { readonly [field: string]: fc.Arbitrary<Json> }): fc.Arbitrary<Fields> {
  return fc
    .uniqueArray(fc.constantFrom(...Object.keys(fields)), { maxLength: 4 })
    .chain((names) =>
      fc.record(Object.fromEntries(names.map((name) => [name, fields[name] ?? json]))),
    );
}

/** Some fields with values of any type. */
export const untypedSet: fc.Arbitrary<Fields> = setOf(UNTYPED_FIELDS);

const line: fc.Arbitrary<Change["log"][number]> = fc.record({
  at: time,
  level: fc.constantFrom("info" as const, "warn" as const, "error" as const),
  text: hostileText,
});

function historyOf(set: fc.Arbitrary<Fields>): fc.Arbitrary<readonly Change[]> {
  const change = fc.record({ set, log: fc.array(line, { maxLength: 3 }) });
  const end = fc.record({
    set: fc.record({ status: terminalStatus, result: json }),
    log: fc.constant([]),
  });
  return fc
    .tuple(fc.array(change, { minLength: 1, maxLength: 12 }), fc.option(end))
    .map(([changes, last]) => (last === null ? changes : [...changes, last]));
}

/** The changes of one job in order: at least one, and perhaps an end as the last. The values have any type. */
export const history: fc.Arbitrary<readonly Change[]> = historyOf(untypedSet);

/** Like {@link history}, with values of the types that the protocol gives the fields. */
export const typedHistory: fc.Arbitrary<readonly Change[]> = historyOf(setOf(TYPED_FIELDS));
