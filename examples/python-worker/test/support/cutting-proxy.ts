import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP proxy that can lose requests and answers. */
export interface CuttingProxy {
  readonly port: number;
  /** Connections that were cut so far, or found no server. */
  cuts(): number;
  close(): Promise<void>;
}

/** How a connection is treated: passed on, refused, or cut when the answer begins, after the server has acted. */
export type Treatment = "pass" | "refuse" | "cut-answer";

/** Starts a proxy. @param treat - Is asked for each connection, counted from 0. */
export async function startProxy(
  targetPort: () => number,
  treat: (connection: number) => Treatment,
): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  let connections = 0;
  let cuts = 0;
  const server = createServer((client) => {
    const treatment = treat(connections);
    connections += 1;
    sockets.add(client);
    client.on("error", () => {});
    client.once("close", () => sockets.delete(client));
    if (treatment === "refuse") {
      cuts += 1;
      client.destroy();
      return;
    }
    const upstream = connect(targetPort(), "127.0.0.1");
    upstream.on("error", () => {
      cuts += 1;
      client.destroy();
    });
    upstream.once("close", () => client.destroy());
    client.once("close", () => upstream.destroy());
    client.pipe(upstream);
    if (treatment === "pass") upstream.pipe(client);
    else
      upstream.once("data", () => {
        cuts += 1;
        client.destroy();
      });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    cuts: () => cuts,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
