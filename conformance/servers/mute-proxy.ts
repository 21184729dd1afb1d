import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** A TCP proxy in front of a Redis server that can drop what its connections carry, as a cut network does. */
export interface MuteProxy {
  readonly port: number;
  readonly url: string;
  /**
   * From now on drops what the open connections carry that have subscribed, without closing them. Returns their number.
   */
  muteSubscribers(): number;
  /** The connections that have subscribed and are neither closed nor mute. */
  subscribers(): number;
  /** Sends new connections to another server. The open ones keep theirs. */
  moveTo(port: number): void;
  close(): Promise<void>;
}

interface ProxiedConnection {
  isMute: boolean;
  isSubscriber: boolean;
}

/** Starts a proxy on a free port. @param target - The port of the server. */
export async function startMuteProxy(target: number): Promise<MuteProxy> {
  const connections = new Set<ProxiedConnection>();
  const sockets = new Set<Socket>();
  let targetPort = target;

  const server = createServer((socket) => {
    const upstream = connect(targetPort, "127.0.0.1");
    const connection = { isMute: false, isSubscriber: false };
    connections.add(connection);
    socket.on("data", (bytes: Buffer) => {
      connection.isSubscriber ||= /\bs?subscribe\b/i.test(bytes.toString("latin1"));
    });
    relay(socket, upstream, connection);
    relay(upstream, socket, connection);
    socket.on("close", () => connections.delete(connection));
    for (const each of [socket, upstream]) {
      sockets.add(each);
      each.on("close", () => sockets.delete(each));
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const speaking = (): ProxiedConnection[] =>
    [...connections].filter(({ isSubscriber, isMute }) => isSubscriber && !isMute);

  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    muteSubscribers() {
      const muted = speaking();
      for (const connection of muted) connection.isMute = true;
      return muted.length;
    },
    subscribers: () => speaking().length,
    moveTo(newPort) {
      targetPort = newPort;
    },
    async close() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, "close");
    },
  };
}

/** Passes bytes and the end of the connection on, unless it is mute. */
function relay(from: Socket, to: Socket, connection: ProxiedConnection): void {
  from.on("data", (bytes) => {
    if (!connection.isMute) to.write(bytes);
  });
  from.on("error", () => {});
  from.on("close", () => {
    if (!connection.isMute) to.destroy();
  });
}
