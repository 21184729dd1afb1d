import { expect, test } from "vitest";
import { memoryStore } from "../../src/stores/memory/index.js";
import { postgresStore } from "../../src/stores/postgres/index.js";
import { redisStore } from "../../src/stores/redis/index.js";
import { sqliteStore } from "../../src/stores/sqlite/index.js";

const NOTHING = (): never => expect.fail("A call of the database");

/** Makes a store with the options that it requires and others. */
const STORES: readonly (readonly [string, (options: object) => unknown])[] = [
  ["memoryStore", (options) => memoryStore(options)],
  [
    "sqliteStore",
    (options) => sqliteStore({ database: { exec: NOTHING, prepare: NOTHING }, ...options }),
  ],
  [
    "redisStore",
    (options) => redisStore({ client: { eval: NOTHING, duplicate: NOTHING } as never, ...options }),
  ],
  [
    "postgresStore",
    (options) => postgresStore({ pool: { query: NOTHING }, listener: false, ...options }),
  ],
];

test.each(STORES)(
  "given a misspelt option, %s refuses it and names the nearest one",
  (name, make) => {
    expect(() => make({ maxLoglines: 10 })).toThrow(
      `${name}: there is no option "maxLoglines"; did you mean "maxLogLines"?`,
    );
  },
);
