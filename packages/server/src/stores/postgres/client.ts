/**
 * What the store asks of its connections: `pg`'s `Pool` fits as it is. All values are texts or `null`, which the statements cast: so no client's own idea
 * of a type gets in between. No statement is named, none needs a session: a pool of PgBouncer's in transaction mode will do.
 */
export interface PostgresPool {
  /** Runs one statement; one without values may be several, in one transaction. */
  query(text: string, values?: (string | null)[]): Promise<PostgresResult>;
  /** Takes one connection out of the pool, to listen on; needed unless `listener` is given. */
  connect?(): Promise<PooledPostgresClient>;
  /** Told of connections that break while nobody uses them; the store listens too, since a process ends of an `error` that nobody hears. */
  on?(event: "error", listener: (error: Error) => void): unknown;
  removeListener?(event: "error", listener: (error: Error) => void): unknown;
  /** `max` is how many connections there may be. */
  readonly options?: { readonly max?: number | undefined } | undefined;
}

/** The rows that a statement gave. */
export interface PostgresResult {
  readonly rows: readonly unknown[];
}

/** A connection of its own: `pg`'s `Client` fits. */
export interface PostgresClient extends PostgresListenClient {
  connect(): Promise<unknown>;
  end(): Promise<void>;
}

/** A connection out of a pool. */
export interface PooledPostgresClient extends PostgresListenClient {
  /** Gives it back; with `true` it is ended, since others must not get a connection that listens. */
  release(destroy: boolean): void;
}

/** What it takes to listen on a connection. */
export interface PostgresListenClient {
  query(text: string): Promise<unknown>;
  on(event: "notification", listener: (message: PostgresNotification) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "end", listener: () => void): unknown;
}

/** What a `NOTIFY` brought. */
export interface PostgresNotification {
  readonly channel: string;
  readonly payload?: string | undefined;
}

/** Listens on one channel, and goes on through every cut: made by `pgListener`, or `sql` of the `postgres` package as it is. */
export interface PostgresListener {
  /**
   * @param hear - Called with the payload of each notification.
   * @param changed - Called without an error whenever listening is in force, the first time and after each cut; with one when it isn't any more. It may
   * be left uncalled where a listener can't tell.
   */
  listen(
    channel: string,
    hear: (payload: string) => void,
    changed: (trouble?: unknown) => void,
  ): PromiseLike<{ unlisten(): Promise<unknown> }>;
}
