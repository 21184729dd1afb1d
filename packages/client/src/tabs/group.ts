import type { TabLocks } from "./leadership.js";

/** The channel between the pages: a `BroadcastChannel`, or another implementation with the same rules. */
export interface TabChannel {
  postMessage(message: unknown): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  close(): void;
}

/** The pages that share one connection. */
export interface TabGroup {
  readonly locks: TabLocks;
  /** The name of the channel, and of the lock of the leader. */
  readonly name: string;
  openChannel(): TabChannel;
  /** The name of the lock that a page holds while it belongs to the group. */
  lockOf(id: string): string;
  /** The pages that hold such a lock. */
  participants(): Promise<readonly string[]>;
}

/** The names and means of a group. */
export interface TabGroupInit {
  readonly key: string;
  readonly baseUrl: string;
  readonly locks: TabLocks;
  openChannel(name: string): TabChannel;
}

/** The version of the messages. Pages that have another version of them form another group. */
const VERSION = 1;

export function tabGroup({ key, baseUrl, locks, openChannel }: TabGroupInit): TabGroup {
  const name = `emlinh-progress/${VERSION}/${JSON.stringify([key, baseUrl])}`;
  const prefix = `${name}/`;
  return {
    locks,
    name,
    openChannel: () => openChannel(name),
    lockOf: (id) => prefix + id,
    async participants() {
      const { held = [] } = await locks.query();
      const names = held.flatMap((lock) => lock.name ?? []);
      return names.filter((it) => it.startsWith(prefix)).map((it) => it.slice(prefix.length));
    },
  };
}
