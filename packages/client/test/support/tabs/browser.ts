import { shareTabs, type TabChannel } from "@emlinh/progress-client/tabs";
import type { Feed, FeedTargets } from "../../../src/core/feed/feed.js";
import { resolveWatchOptions } from "../../../src/core/options.js";
import { type FakeTime, fakeTime } from "../fake-time.js";
import { type Links, links } from "./links.js";
import { type SimulatedLocks, simulatedLocks } from "./locks.js";
import { type SimulatedPage, simulatedPage } from "./page.js";
import { type TestReceiver, testReceiver } from "./receiver.js";
import { type TabServer, tabServer } from "./server.js";

/** A tab with one shared feed. */
export interface Tab {
  readonly page: SimulatedPage;
  readonly feed: Feed;
  readonly receiver: TestReceiver;
  /** The targets of the last `watch`. */
  readonly targets: { readonly jobs: readonly string[]; readonly subjects: readonly string[] };
  watch(jobs: readonly string[], subjects?: readonly string[]): void;
  /** Closes the feed and the page. */
  close(): void;
}

/** A simulated browser with a server. */
export interface SimulatedBrowser {
  readonly server: TabServer;
  readonly time: FakeTime;
  readonly locks: SimulatedLocks;
  readonly net: Links;
  open(name: string, key?: string): Tab;
  /** Sends a message on every channel, as a script of the origin can. */
  post(message: unknown): void;
  /** Messages that were posted. */
  readonly posted: unknown[];
  /** Delivers one message. @returns whether there was one. */
  deliverOne(): Promise<boolean>;
  /** Delivers messages until none is on its way. */
  settle(): Promise<void>;
  /** Moves the time in steps, and delivers everything. */
  pass(ms: number): Promise<void>;
}

interface OpenChannel {
  readonly name: string;
  readonly page: SimulatedPage;
  readonly listeners: ((event: { readonly data: unknown }) => void)[];
}

/** Lets the microtasks run. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

let count = 0;

/** Numbers that differ. */
function spread(): number {
  count += 1;
  return (count * 0.618034) % 1;
}

/** @param random - Picks the message that is delivered next. */
export function simulatedBrowser(random: () => number = () => 0): SimulatedBrowser {
  const time = fakeTime();
  const net = links();
  const locks = simulatedLocks(net);
  const server = tabServer(net, time.clock);
  const channels = new Set<OpenChannel>();
  const posted: unknown[] = [];

  function openChannel(page: SimulatedPage, name: string): TabChannel {
    const channel: OpenChannel = { name, page, listeners: [] };
    channels.add(channel);
    return {
      postMessage(message) {
        const data = structuredClone(message);
        posted.push(data);
        for (const other of channels)
          if (other !== channel && other.name === name)
            net.send(page.name, other.page, () => {
              if (channels.has(other)) for (const listener of other.listeners) listener({ data });
            });
      },
      addEventListener: (_type, listener) => void channel.listeners.push(listener),
      close: () => void channels.delete(channel),
    };
  }

  async function deliverOne(): Promise<boolean> {
    const delivered = net.deliverOne(random());
    await turn();
    return delivered;
  }

  async function settle(): Promise<void> {
    await turn();
    while (await deliverOne());
  }

  return {
    ...{ server, time, locks, net, posted, deliverOne, settle },
    open(name, key = "user") {
      const page = simulatedPage(name, (gone) => {
        locks.drop(gone);
        for (const channel of channels) if (channel.page === gone) channels.delete(channel);
      });
      const options = resolveWatchOptions({
        baseUrl: "/api",
        page: page.page,
        clock: time.clock,
        random: spread,
        schedule: (run, ms) => time.schedule(() => page.run(run), ms),
      });
      const receiver = testReceiver();
      const sharing = shareTabs({
        key,
        locks: locks.of(page),
        openChannel: (channel) => openChannel(page, channel),
      });
      const feed = sharing.open(server.direct(page), options, receiver);
      let targets: FeedTargets = { jobs: [], subjects: [], limit: 50 };
      return {
        ...{ page, feed, receiver },
        get targets() {
          return targets;
        },
        watch(jobs, subjects = []) {
          targets = { jobs, subjects, limit: 50 };
          feed.setTargets(targets);
        },
        close() {
          feed.close();
          page.crash();
        },
      };
    },
    post(data) {
      for (const { page, listeners } of channels)
        net.send("stranger", page, () => {
          for (const listener of listeners) listener({ data });
        });
    },
    async pass(ms) {
      for (let passed = 0; passed < ms; passed += 500) {
        time.advance(500);
        await settle();
      }
    },
  };
}
