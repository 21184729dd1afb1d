/** The names of the store's tables, functions and channel in a database. */
export interface PostgresNames {
  /** Of the schema, not quoted. */
  readonly schema: string;
  readonly tablePrefix: string;
  /** Of a table or function: quoted, with its schema. */
  of(name: string): string;
  /** The channel on which changes are notified. */
  readonly channel: string;
}

/** The names in a schema. Neither argument may contain a quote. */
export function postgresNames(schema: string, tablePrefix: string): PostgresNames {
  return {
    schema,
    tablePrefix,
    of: (name) => `"${schema}"."${tablePrefix}${name}"`,
    channel: `progress:${schema}:${tablePrefix}`,
  };
}
