import { fastify } from "fastify";
import { describe, test } from "vitest";
import { expressProgress } from "../../src/adapters/express.js";
import { fastifyProgress } from "../../src/adapters/fastify.js";
import { fetchProgress } from "../../src/adapters/fetch.js";
import { nextProgress } from "../../src/adapters/next.js";
import { nodeProgress } from "../../src/adapters/node.js";
import { createProgress, memoryStore } from "../../src/index.js";
import {
  migratePostgres,
  pgListener,
  postgresMigration,
  postgresStore,
} from "../../src/stores/postgres/index.js";
import { redisStore } from "../../src/stores/redis/index.js";
import { sqliteStore } from "../../src/stores/sqlite/index.js";
import {
  expectClearError,
  type Newcomer,
  POSTGRES_URL,
  REDIS_URL,
  type Untyped,
  type WrongCall,
} from "./wrong-calls.js";

const stores: Untyped = { sqliteStore, redisStore, postgresStore };
const postgres: Untyped = { migratePostgres, pgListener, postgresMigration };

/** A pool as `pg` has it, with the password among its members. */
class Pool {
  readonly options = { connectionString: POSTGRES_URL, max: 10 };
  query(): void {}
  connect(): void {}
}
/** A client as node-redis has it. */
class RedisClient {
  readonly url = REDIS_URL;
  eval(): void {}
  duplicate(): void {}
  subscribe(): void {}
}
/** A database as better-sqlite3 has it. */
class Database {
  readonly memory = true;
  exec(): void {}
  prepare(): void {}
}
/** The function of the `postgres` package. */
const sql = Object.assign(() => {}, { unsafe: () => {}, listen: () => {} });
const client = new RedisClient();
const pool = new Pool();

const REDIS = "createClient() of redis or new Redis() of ioredis";
const REDIS_STORE: readonly WrongCall[] = [
  [
    "no options",
    ["options object is undefined", "redisStore({ client })"],
    () => stores.redisStore(),
  ],
  ["null", ["options object is null", "redisStore({ client })"], () => stores.redisStore(null)],
  ["{}", ["client is undefined", REDIS], () => stores.redisStore({})],
  [
    "a URL",
    ['"redis://…@localhost:6379"', "redisStore({ client })"],
    () => stores.redisStore(REDIS_URL),
  ],
  ["{ url }", ['no option "url"', '"client"'], () => stores.redisStore({ url: REDIS_URL })],
  [
    "a client",
    ['an instance of "RedisClient"', "redisStore({ client })"],
    () => stores.redisStore(client),
  ],
  [
    "client: a URL",
    ['client is "redis://…@localhost:6379"', REDIS],
    () => stores.redisStore({ client: REDIS_URL }),
  ],
  [
    "client: a promise",
    ["a Promise that was not awaited", REDIS],
    () => stores.redisStore({ client: Promise.resolve() }),
  ],
  [
    "client: a class",
    ['the class "RedisClient", not an instance', REDIS],
    () => stores.redisStore({ client: RedisClient }),
  ],
  [
    "client: a pool of pg",
    ['an instance of "Pool"', REDIS],
    () => stores.redisStore({ client: pool }),
  ],
  [
    "subscriber: a URL",
    ["subscriber is", "same library"],
    () => stores.redisStore({ client, subscriber: REDIS_URL }),
  ],
  [
    "sharded: text",
    ['sharded is "yes"', "true or false"],
    () => stores.redisStore({ client, sharded: "yes" }),
  ],
  [
    "onError: text",
    ['onError is "log"', "a function"],
    () => stores.redisStore({ client, onError: "log" }),
  ],
];

const SQLITE = 'an open database, such as new Database("progress.db")';
const SQLITE_STORE: readonly WrongCall[] = [
  [
    "no options",
    ["options object is undefined", "sqliteStore({ database })"],
    () => stores.sqliteStore(),
  ],
  ["a path", ['"file.db"', "sqliteStore({ database })"], () => stores.sqliteStore("file.db")],
  ["{}", ["database is undefined", SQLITE], () => stores.sqliteStore({})],
  ["{ file }", ['no option "file"', '"database"'], () => stores.sqliteStore({ file: "file.db" })],
  [
    "a database",
    ['an instance of "Database"', "sqliteStore({ database })"],
    () => stores.sqliteStore(new Database()),
  ],
  [
    "database: a path",
    ['database is "file.db"', SQLITE],
    () => stores.sqliteStore({ database: "file.db" }),
  ],
  [
    "database: a class",
    ['the class "Database", not an instance', SQLITE],
    () => stores.sqliteStore({ database: Database }),
  ],
  [
    "tablePrefix: 5",
    ["tablePrefix is 5", 'letters, digits and "_"'],
    () => stores.sqliteStore({ database: new Database(), tablePrefix: 5 }),
  ],
];

const POOL = "a Pool of pg, such as new Pool({ connectionString })";
const POSTGRES_STORE: readonly WrongCall[] = [
  [
    "no options",
    ["options object is undefined", "postgresStore({ pool })"],
    () => stores.postgresStore(),
  ],
  ["{}", ["pool is undefined", POOL], () => stores.postgresStore({})],
  [
    "a URL",
    ['"postgres://…@localhost/db"', "postgresStore({ pool })"],
    () => stores.postgresStore(POSTGRES_URL),
  ],
  [
    "a pool",
    ['an instance of "Pool"', "postgresStore({ pool })"],
    () => stores.postgresStore(pool),
  ],
  [
    "{ connectionString }",
    ['no option "connectionString"', '"pool"'],
    () => stores.postgresStore({ connectionString: POSTGRES_URL }),
  ],
  [
    "pool: a URL",
    ['pool is "postgres://…@localhost/db"', POOL],
    () => stores.postgresStore({ pool: POSTGRES_URL }),
  ],
  [
    "pool: a promise",
    ["a Promise that was not awaited", POOL],
    () => stores.postgresStore({ pool: Promise.resolve() }),
  ],
  [
    "pool: a class",
    ['the class "Pool", not an instance', POOL],
    () => stores.postgresStore({ pool: Pool }),
  ],
  [
    "pool: sql",
    ["sql function of the postgres package", "sql.unsafe(text, values)"],
    () => stores.postgresStore({ pool: sql }),
  ],
  [
    "a pool of one connection",
    ["pool has 1 connection", "pass a larger pool"],
    () => stores.postgresStore({ pool: Object.assign(new Pool(), { options: { max: 1 } }) }),
  ],
  [
    "listener: true",
    ["listener is true", "pgListener()"],
    () => stores.postgresStore({ pool, listener: true }),
  ],
  [
    "schema: null",
    ["schema is null", "letters, digits and _"],
    () => stores.postgresStore({ pool, schema: null }),
  ],
  [
    "migrate: text",
    ['migrate is "yes"', "true or false"],
    () => stores.postgresStore({ pool, migrate: "yes" }),
  ],
  [
    "pgListener()",
    ["connect is undefined", "a function that returns"],
    () => postgres.pgListener(),
  ],
  [
    "pgListener(a URL)",
    ['"postgres://…@localhost/db"', "a function that returns"],
    () => postgres.pgListener(POSTGRES_URL),
  ],
  ["migratePostgres()", ["pool is undefined", POOL], () => postgres.migratePostgres()],
  [
    "migratePostgres({ pool })",
    ["pool is an object", POOL],
    () => postgres.migratePostgres({ pool }),
  ],
  [
    "postgresMigration(schema)",
    ['"public"', "postgresMigration({ schema"],
    () => postgres.postgresMigration("public"),
  ],
];

const adapters: Untyped = {
  expressProgress,
  fastifyProgress,
  fetchProgress,
  nextProgress,
  nodeProgress,
};
const PROGRESS = "must be the value that createProgress() returns";
const REGISTER = "app.register(fastifyProgress, { prefix, progress })";
const register = (plugin: unknown, options?: unknown) =>
  (fastify().register as Untyped)(plugin, options).ready();

const ADAPTERS: readonly WrongCall[] = [
  ["expressProgress()", ["progress is undefined", PROGRESS], () => adapters.expressProgress()],
  [
    "expressProgress({ progress })",
    ["progress is an object", PROGRESS],
    ({ progress }) => adapters.expressProgress({ progress }),
  ],
  [
    "expressProgress(path, …)",
    ['progress is "/api"', PROGRESS],
    () => adapters.expressProgress("/api"),
  ],
  [
    "expressProgress(createProgress)",
    ['the function "createProgress"', PROGRESS],
    () => adapters.expressProgress(createProgress),
  ],
  [
    "fastifyProgress without options",
    ["progress is undefined", PROGRESS],
    () => register(fastifyProgress),
  ],
  [
    "fastifyProgress with {}",
    ["progress is an object", PROGRESS],
    () => register(fastifyProgress, { progress: {} }),
  ],
  [
    "fastifyProgress with base",
    ['no option "base"', REGISTER],
    ({ progress }) => register(fastifyProgress, { base: "/x", progress }),
  ],
  [
    "fastifyProgress(progress)",
    ["first argument is an object", REGISTER],
    ({ progress }) => adapters.fastifyProgress(progress),
  ],
  ["nodeProgress()", ["progress is undefined", PROGRESS], () => adapters.nodeProgress()],
  [
    "nodeProgress(store)",
    ["progress is an object", PROGRESS],
    () => adapters.nodeProgress(memoryStore()),
  ],
  [
    "nodeProgress(progress, base)",
    ['"/api"', 'nodeProgress(progress, { base: "/progress" })'],
    withBase("nodeProgress", "/api"),
  ],
  [
    "nodeProgress(progress, null)",
    ["options object is null", "{ base:"],
    withBase("nodeProgress", null),
  ],
  [
    "nodeProgress with a slash",
    ['base is "/api/"', "without a slash"],
    withBase("nodeProgress", { base: "/api/" }),
  ],
  [
    "nodeProgress with prefix",
    ['no option "prefix"', '"base"'],
    withBase("nodeProgress", { prefix: "/api" }),
  ],
  [
    "the context of Koa",
    ["second argument of a request is a function", "serve(ctx.req, ctx.res)"],
    ({ progress }) => adapters.nodeProgress(progress)({ url: "/x" }, () => {}),
  ],
  ["fetchProgress()", ["progress is undefined", PROGRESS], () => adapters.fetchProgress()],
  [
    "fetchProgress with a URL",
    ['base is "https://x.example"', "a path such as"],
    withBase("fetchProgress", { base: "https://x.example" }),
  ],
  ["nextProgress()", ["progress is undefined", PROGRESS], () => adapters.nextProgress()],
  [
    "nextProgress with a slash",
    ['base is "/api/"', "without a slash"],
    withBase("nextProgress", { base: "/api/" }),
  ],
  [
    "the context of Hono",
    ["the request is an object", "serve(c.req.raw, { raw: c })"],
    ({ progress }) => adapters.fetchProgress(progress)({ req: {} }),
  ],
];

function withBase(adapter: string, options: unknown): (context: Newcomer) => unknown {
  return ({ progress }) => adapters[adapter](progress, options);
}

describe("given a wrong call of a newcomer, gives one clear error with the value, the remedy and a link", () => {
  test.each(REDIS_STORE)("redisStore: %s", (...call) => expectClearError(call));
  test.each(SQLITE_STORE)("sqliteStore: %s", (...call) => expectClearError(call));
  test.each(POSTGRES_STORE)("postgresStore: %s", (...call) => expectClearError(call));
  test.each(ADAPTERS)("%s", (...call) => expectClearError(call));
});
