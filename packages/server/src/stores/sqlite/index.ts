export type {
  SqliteDatabase,
  SqliteStatement,
  SqliteStoreOptions,
  SqliteValue,
} from "./options.js";
export { sqliteStore } from "./sqlite-store.js";
