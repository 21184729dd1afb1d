/** The client of a request. */
export interface RequestClient {
  /**
   * The connection that carries the request, compared by identity; `undefined` if the runtime does not show it. It
   * bounds the slots that one connection can take.
   */
  readonly connection?: object | undefined;
  /** Aborts when the client is gone, so that a held answer (long poll) can be given up. */
  readonly signal: AbortSignal;
  /**
   * Whether the client is gone. An adapter that calls `closed()` of every stream whose client leaves passes it: then
   * `signal` is read only by requests that wait, and an adapter can make it when it is read first. An `AbortSignal`
   * takes as much memory and time as all the rest of a stream.
   */
  isGone?(): boolean;
}

/** Whether the client of a request is gone. */
export function isGone(client: RequestClient): boolean {
  return client.isGone === undefined ? client.signal.aborted : client.isGone();
}
