import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP proxy that can hold back what its connections carry, as a frozen network does. */
export interface HoldingProxy {
  readonly port: number;
  /** Sends new connections to this port. The open ones stay where they are. */
  setTarget(port: number): void;
  /**
   * From now on connections carry nothing: the proxy keeps the bytes of the clients.
   *
   * @param which - `"open"` to pass on those that are opened later. @defaultValue `"all"`
   */
  hold(which?: "open" | "all"): void;
  /** Holds the first connection that carries this text, from then on. Resolves when it has kept those bytes. */
  holdCarrierOf(text: string): Promise<void>;
  /** The kept bytes as text. */
  held(): string;
  /** Breaks the held connections for their clients. The server sees no end of them. New connections are not held. */
  cutClients(): void;
  /** Sends the kept bytes to the server. Resolves when it has answered on each connection that had some. */
  deliver(): Promise<void>;
  close(): Promise<void>;
}

interface Connection {
  readonly client: Socket;
  readonly server: Socket;
  isHeld: boolean;
  /** The bytes of the client, in order. */
  readonly kept: Buffer[];
}

/** Starts a proxy on a free port. */
export async function startHoldingProxy(target: number): Promise<HoldingProxy> {
  const connections = new Set<Connection>();
  let targetPort = target;
  let isHolding = false;
  const listening = createServer((client) => {
    const server = connect(targetPort, "127.0.0.1");
    const connection: Connection = { client, server, isHeld: isHolding, kept: [] };
    connections.add(connection);
    client.on("data", (bytes: Buffer) => {
      if (wanted === undefined || !bytes.includes(wanted.text)) return;
      connection.isHeld = true;
      wanted.onHeld();
      wanted = undefined;
    });
    relay(connection);
  });
  listening.listen(0, "127.0.0.1");
  await once(listening, "listening");
  let wanted: { readonly text: string; readonly onHeld: () => void } | undefined;
  const heldConnections = (): Connection[] => [...connections].filter(({ isHeld }) => isHeld);

  return {
    port: (listening.address() as AddressInfo).port,
    setTarget(port) {
      targetPort = port;
    },
    hold(which = "all") {
      isHolding = which === "all";
      for (const connection of connections) connection.isHeld = true;
    },
    holdCarrierOf: (text) =>
      new Promise((onHeld) => {
        wanted = { text, onHeld };
      }),
    held: () => Buffer.concat(heldConnections().flatMap(({ kept }) => kept)).toString("latin1"),
    cutClients() {
      isHolding = false;
      for (const { client } of heldConnections()) client.resetAndDestroy();
    },
    async deliver() {
      const late = heldConnections().filter(({ kept }) => kept.length > 0);
      const answers = late.map(({ server }) => once(server, "data"));
      for (const { server, kept } of late) server.write(Buffer.concat(kept.splice(0)));
      await Promise.all(answers);
    },
    async close() {
      listening.close();
      for (const { client, server } of connections) {
        client.destroy();
        server.destroy();
      }
      await once(listening, "close");
    },
  };
}

function relay(connection: Connection): void {
  const { client, server, kept } = connection;
  client.on("data", (bytes) => {
    if (connection.isHeld) kept.push(bytes);
    else server.write(bytes);
  });
  // A held connection gives the client nothing either.
  server.on("data", (bytes) => {
    if (!connection.isHeld) client.write(bytes);
  });
  for (const [from, to] of [
    [client, server],
    [server, client],
  ] as const) {
    from.on("error", () => {});
    from.on("close", () => {
      if (!connection.isHeld) to.destroy();
    });
  }
}
