import type { Json } from "@emlinh/progress-protocol";
import { assertEqual } from "../assert.js";
import type { CaseGroup } from "../case.js";
import { change, completion, draft, line, range, readFields, readJob } from "../fixtures.js";

/** Parsed from JSON, so that `__proto__` is an ordinary member. */
const PROTO: Json = JSON.parse(
  '{"__proto__":{"polluted":true},"constructor":{"prototype":1},"toString":null}',
);

const NUMBERS: readonly number[] = [
  0,
  -0,
  1,
  -1,
  0.1 + 0.2,
  1 / 3,
  1e-7,
  5e-324,
  1e21,
  1e308,
  -1e308,
  2 ** 53 - 1,
  -(2 ** 53 - 1),
  1_700_000_000_123,
];

const TEXTS: readonly string[] = [
  "",
  " ",
  "line\nbreaks\r\nof\rthree",
  "separators \u2028 and \u2029",
  "NUL \u0000 inside",
  "controls \u0001\u001f\u007f\u0080",
  "lone surrogates \ud800 and \udc00",
  "\ufeffbyte order mark",
  "😀 日本語 Tiếng Việt e\u0301 \u00e9",
  "quotes \" ' ` \\ $1 %s $x '; DROP TABLE jobs; --",
  "null",
  "{}",
  "-0",
  "<script>alert(1)</script>",
];

const SHAPES: readonly Json[] = [
  null,
  true,
  false,
  [],
  {},
  [[]],
  [{}],
  { a: [] },
  { a: {} },
  [null, [null]],
  { "": 0, " ": 1, "a.b": 2, "\n": 3 },
  PROTO,
];

function nested(depth: number): Json {
  return range(depth).reduce<Json>((inner, by) => (by % 2 === 0 ? [inner] : { in: inner }), "core");
}

/** Writes each value as a field and as a line's data, and compares it in a delta and in the snapshot. */
async function roundTrip(
  store: Parameters<typeof readJob>[0],
  values: readonly Json[],
): Promise<void> {
  const { cursor } = await store.create(draft("a"));
  const set = Object.fromEntries(values.map((value, index) => [`metadata.k${index}`, value]));
  const log = values.map((data) => line("data", { data }));
  await store.write("a", change(set, { log }));
  for (const delta of [await readJob(store, "a"), await readJob(store, "a", cursor)]) {
    for (const [index, value] of values.entries()) {
      assertEqual(
        delta.set[`metadata.k${index}`],
        value,
        `the field that was set to ${JSON.stringify(value).slice(0, 80)}`,
      );
      assertEqual(
        delta.log[index]?.data,
        value,
        `the line's data ${JSON.stringify(value).slice(0, 80)}`,
      );
    }
  }
}

export const VALUES: CaseGroup = {
  group: "values",
  cases: [
    {
      name: "given any number, returns it exactly",
      run: async ({ open }) => roundTrip(await open(), NUMBERS),
    },
    {
      name: "given any text, returns it exactly",
      run: async ({ open }) => roundTrip(await open(), TEXTS),
    },
    {
      name: "given empty and nested values, keeps [] apart from {}, and null apart from a missing value",
      run: async ({ open }) => roundTrip(await open(), SHAPES),
    },
    {
      name: "given JSON nested 200 levels deep, returns it",
      run: async ({ open }) => roundTrip(await open(), [nested(200)]),
    },
    {
      name: "given a value of 100 000 characters, returns it",
      run: async ({ open }) => roundTrip(await open(), ["ä\u2028".repeat(50_000), range(10_000)]),
    },
    {
      name: "given any text in messages, lines and results, returns it",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        for (const text of TEXTS) {
          await store.write("a", change({ message: text }, { log: [line(text)] }));
          const { set, log } = await readJob(store, "a");
          assertEqual([set.message, log.at(-1)?.text], [text, text], "message and line");
        }
        const result = { texts: TEXTS, shapes: SHAPES };
        await store.write("a", completion(result));
        assertEqual((await readFields(store, "a")).result, result, "the result");
      },
    },
    {
      name: "given names that every object inherits, stores them like any other field",
      async run({ open }) {
        const store = await open();
        const fields = [
          "constructor",
          "toString",
          "hasOwnProperty",
          "valueOf",
          "length",
          "0",
          "x".repeat(64),
        ].flatMap((name) => [`metadata.${name}`, `steps.${name}`]);
        const set = Object.fromEntries(fields.map((field) => [field, { field }]));
        const { cursor } = await store.create(draft("a"));
        for (const field of fields) await store.write("a", change({ [field]: { field } }));
        const { updatedAt: _, ...stored } = (await readJob(store, "a", cursor)).set;
        assertEqual(stored, set, "the fields");
      },
    },
    {
      name: "given a thousand fields, stores and returns each",
      async run({ open }) {
        const store = await open();
        const set = Object.fromEntries(range(1000).map((by) => [`metadata.k${by}`, by]));
        const { cursor } = await store.create(draft("a"));
        await store.write("a", change(set));
        const { updatedAt: _, ...fields } = (await readJob(store, "a", cursor)).set;
        assertEqual(fields, set, "the fields");
      },
    },
  ],
};
