import { once } from "node:events";
import type http2 from "node:http2";
import type { AddressInfo, Server } from "node:net";
import type { DrainableProgress } from "../../../src/adapters/fastify.js";
import { type Client, http1Client } from "./client.js";

/** Where every host serves progress. */
export const BASE = "/api/video-progress";

/** A server that listens. */
export interface Host {
  readonly client: Client;
  readonly port: number;
  /** Another client, on a connection of its own. */
  connect(): Client;
  /** The number of open connections. */
  connections(): Promise<number>;
  /** Refuses new connections; resolves when the last one is closed. */
  close(): Promise<void>;
}

/** Serves progress in one way. */
export type StartHost = (progress: DrainableProgress) => Promise<Host>;

type Connect = (origin: string) => Client;

/** Starts a server on a free port. */
export async function listen(
  server: Server | http2.Http2Server,
  connect: Connect = http1Client,
): Promise<Host> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return hostOf(server, { connect });
}

/** A server that listens already. */
export function hostOf(
  server: Server | http2.Http2Server,
  {
    connect = http1Client,
    close = () => closed(server),
  }: { readonly connect?: Connect; readonly close?: () => Promise<void> } = {},
): Host {
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  return {
    port,
    client: connect(origin),
    connect: () => connect(origin),
    connections: () =>
      new Promise((resolve, reject) => {
        server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
      }),
    close,
  };
}

function closed(server: Server | http2.Http2Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
  });
}
