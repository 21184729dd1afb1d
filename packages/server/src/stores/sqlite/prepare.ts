import type { SqliteDatabase, SqliteValue } from "./options.js";
import type { Row } from "./rows.js";

/** The names of the tables. */
export interface Tables {
  readonly jobs: string;
  readonly fields: string;
  readonly lines: string;
  readonly meta: string;
  readonly listed: string;
  readonly listChanges: string;
  readonly expectations: string;
}

/** The names of the tables with a prefix. */
export function tablesOf(prefix: string): Tables {
  return {
    jobs: `${prefix}jobs`,
    fields: `${prefix}fields`,
    lines: `${prefix}lines`,
    meta: `${prefix}meta`,
    listed: `${prefix}listed`,
    listChanges: `${prefix}list_changes`,
    expectations: `${prefix}expectations`,
  };
}

/** Prepares a statement that returns one row, many rows or none, and reads its rows. */
export interface Prepare {
  one<Result>(
    sql: string,
    read: (row: Row) => Result,
  ): (...values: SqliteValue[]) => Result | undefined;
  many<Result>(sql: string, read: (row: Row) => Result): (...values: SqliteValue[]) => Result[];
  run(sql: string): (...values: SqliteValue[]) => void;
}

/** Prepares the statements of a database. */
export function preparing(database: SqliteDatabase): Prepare {
  return {
    one(sql, read) {
      const statement = database.prepare(sql);
      return (...values) => {
        const row = statement.get(...values);
        return row === undefined || row === null ? undefined : read(row as Row);
      };
    },
    many(sql, read) {
      const statement = database.prepare(sql);
      return (...values) => (statement.all(...values) as Row[]).map(read);
    },
    run(sql) {
      const statement = database.prepare(sql);
      return (...values) => {
        statement.run(...values);
      };
    },
  };
}
