import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP proxy that can hold back what the clients of a server send, and deliver it after they have gone. */
export interface HoldingProxy {
  /** The same URL with the port of the proxy. */
  readonly url: string;
  /** From now on holds back what the open connections send. New connections are not concerned. */
  hold(): void;
  /** Resolves when bytes are held back. */
  untilHeld(): Promise<void>;
  /** Cuts the held connections on the side of the clients. On the side of the server they stay open. */
  cut(): void;
  /** Delivers the bytes that are held back. Resolves when the server has answered them. */
  release(): Promise<void>;
  close(): Promise<void>;
}

interface Connection {
  readonly client: Socket;
  readonly server: Socket;
  isHeld: boolean;
  bytes: Buffer[];
}

/** Starts a proxy in front of a server. @param target - The URL of the server. */
export async function startHoldingProxy(target: string): Promise<HoldingProxy> {
  const { hostname, port } = new URL(target);
  const connections = new Set<Connection>();
  let onHeld = (): void => {};

  const proxy = createServer((client) => {
    const server = connect(Number(port), hostname);
    const connection: Connection = { client, server, isHeld: false, bytes: [] };
    connections.add(connection);
    client.on("data", (bytes: Buffer) => {
      if (!connection.isHeld) return void server.write(bytes);
      connection.bytes.push(bytes);
      onHeld();
    });
    server.on("data", (bytes) => {
      if (!client.destroyed) client.write(bytes);
    });
    client.on("close", () => {
      if (!connection.isHeld) server.destroy();
    });
    server.on("close", () => client.destroy());
    for (const socket of [client, server]) socket.on("error", () => {});
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const url = new URL(target);
  url.port = String((proxy.address() as AddressInfo).port);
  const held = (): Connection[] => [...connections].filter(({ isHeld }) => isHeld);
  const waiting = (): Connection[] => held().filter(({ bytes }) => bytes.length > 0);

  return {
    url: url.href,
    hold() {
      for (const connection of connections) connection.isHeld = true;
    },
    untilHeld: () =>
      new Promise((resolve) => {
        onHeld = resolve;
        if (waiting().length > 0) resolve();
      }),
    cut() {
      for (const { client } of held()) client.destroy();
    },
    async release() {
      const late = waiting();
      const answers = late.map(({ server }) => once(server, "data"));
      for (const { server, bytes } of late) server.write(Buffer.concat(bytes));
      await Promise.all(answers);
    },
    async close() {
      proxy.close();
      for (const { client, server } of connections) {
        client.destroy();
        server.destroy();
      }
      await once(proxy, "close");
    },
  };
}
