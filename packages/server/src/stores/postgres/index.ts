export type {
  PooledPostgresClient,
  PostgresClient,
  PostgresListenClient,
  PostgresListener,
  PostgresNotification,
  PostgresPool,
  PostgresResult,
} from "./client.js";
export { type PgListenerOptions, pgListener } from "./listener.js";
export { migratePostgres, postgresMigration } from "./migrate.js";
export type { PostgresPlace, PostgresStoreOptions } from "./options.js";
export { postgresStore } from "./postgres-store.js";
