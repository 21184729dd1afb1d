import { within } from "../../../shared/time.js";
import { whenAborted } from "../../shared/abortable.js";
import { OPEN_TIMEOUT_MS, openTimedOut, probe } from "../../shared/probe.js";
import type { PostgresListenClient } from "../client.js";

/** A connection that was taken to listen on. */
export interface TakenConnection {
  readonly client: PostgresListenClient;
  /** Connects it. Called once its `error` events are handled. */
  readonly open: () => Promise<unknown>;
  readonly drop: () => Promise<unknown>;
}

/** How to listen on one connection. */
export interface ListenOptions {
  readonly take: () => Promise<TakenConnection>;
  /** Milliseconds between two checks of the connection. It has a third of that to answer. */
  readonly probeMs: number;
  readonly channel: string;
  readonly onMessage: (payload: string) => void;
  /** Called once listening is in force. */
  readonly onListening: () => void;
  /** Stops it. */
  readonly signal: AbortSignal;
}

const DROP_TIMEOUT_MS = 1_000;

/** Listens on one connection until it fails or is stopped. Resolves with the reason, when the connection is dropped. */
export async function listenOnce(options: ListenOptions): Promise<unknown> {
  const { take, probeMs, onListening, signal } = options;
  const connection = new AbortController();
  const end = (reason: unknown): void => connection.abort(reason);
  const stop = (): void => end(signal.reason);
  signal.addEventListener("abort", stop);
  const taking = take();
  const opening = startListening(taking, options, connection);
  within(OPEN_TIMEOUT_MS, opening, openTimedOut)
    .then(async (client) => {
      if (connection.signal.aborted) return;
      onListening();
      const ask = (): Promise<unknown> => client.query("select 1");
      end(await probe(ask, { probeMs, signal: connection.signal }));
    })
    .catch(end);
  const reason = await whenAborted(connection.signal);
  signal.removeEventListener("abort", stop);
  // The connection may be broken in any way, or be taken only later. Either way it is not needed any more.
  const dropping = taking.then(({ drop }) => drop());
  await within(DROP_TIMEOUT_MS, dropping).catch(() => {});
  return reason;
}

async function startListening(
  taking: Promise<TakenConnection>,
  { channel, onMessage }: ListenOptions,
  connection: AbortController,
): Promise<PostgresListenClient> {
  const { client, open } = await taking;
  if (connection.signal.aborted) throw connection.signal.reason;
  client.on("error", (error) => connection.abort(error));
  client.on("end", () => connection.abort(new Error("The connection was closed.")));
  client.on("notification", (message) => {
    if (message.channel === channel) onMessage(message.payload ?? "");
  });
  await open();
  await client.query(`listen "${channel}"`);
  return client;
}
