export type {
  PooledPostgresClient,
  PostgresClient,
  PostgresListenClient,
  PostgresListener,
  PostgresNotification,
  PostgresPool,
  PostgresResult,
} from "./client.js";
export { type PgListenerOptions, pgListener } from "./listener/pg-listener.js";
export { migratePostgres, postgresMigration } from "./migrate.js";
export type { PostgresLocation, PostgresStoreOptions } from "./options.js";
export { postgresStore } from "./postgres-store.js";
