/**
 * The part of a connection pool that the store uses; a `Pool` of `pg` fits. All values are strings or `null`, which the
 * statements cast, so that no type conversion of a client matters. No statement is named and none needs a session, so a
 * PgBouncer in transaction mode works too.
 */
export interface PostgresPool {
  /** Runs one statement. A text without values may hold several statements, which run in one transaction. */
  query(text: string, values?: (string | null)[]): Promise<PostgresResult>;
  /** Takes a connection out of the pool, to listen on. Required unless the store has a `listener`. */
  connect?(): Promise<PooledPostgresClient>;
  /**
   * Emits `error` for an idle connection that breaks. The store handles it, because an unhandled one would end the
   * process.
   */
  on?(event: "error", listener: (error: Error) => void): unknown;
  removeListener?(event: "error", listener: (error: Error) => void): unknown;
  /** `max` is the number of connections that the pool may open. */
  readonly options?: { readonly max?: number | undefined } | undefined;
}

/** The rows that a statement returned. */
export interface PostgresResult {
  readonly rows: readonly unknown[];
}

/** A connection outside of any pool; a `Client` of `pg` fits. */
export interface PostgresClient extends PostgresListenClient {
  connect(): Promise<unknown>;
  end(): Promise<void>;
}

/** A connection of a pool. */
export interface PooledPostgresClient extends PostgresListenClient {
  /** Returns the connection to the pool. `true` closes it, because others must not get a connection that listens. */
  release(destroy: boolean): void;
}

/** The part of a connection that the store uses to listen. */
export interface PostgresListenClient {
  query(text: string): Promise<unknown>;
  on(event: "notification", listener: (message: PostgresNotification) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "end", listener: () => void): unknown;
}

/** A message that was sent with `NOTIFY`. */
export interface PostgresNotification {
  readonly channel: string;
  readonly payload?: string | undefined;
}

/**
 * Listens on one channel and reconnects by itself. `pgListener` returns one, and `sql` of the `postgres` package fits.
 */
export interface PostgresListener {
  /**
   * @param onMessage - Called with the payload of each notification.
   * @param onStateChange - Called without an error each time that listening is in force: the first time, and after each
   * reconnect. Called with an error when it is interrupted; a listener that can't detect that need not call it.
   */
  listen(
    channel: string,
    onMessage: (payload: string) => void,
    onStateChange: (error?: unknown) => void,
  ): PromiseLike<{ unlisten(): Promise<unknown> }>;
}
