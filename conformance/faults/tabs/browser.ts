import type { WatchOptions } from "@emlinh/progress-client";
import { type FeedSharing, shareTabs } from "@emlinh/progress-client/tabs";
import { simulatedLocks } from "../../../packages/client/test/support/tabs/locks.js";
import {
  type SimulatedPage,
  simulatedPage,
} from "../../../packages/client/test/support/tabs/page.js";
import { pageChannels } from "./channels.js";
import { type MovableTime, movableTime } from "./movable-time.js";
import { type PageFetch, pageFetch } from "./page-fetch.js";
import { timedLinks } from "./timed-links.js";

/** A tab of a simulated browser: a page with real requests. */
export interface BrowserTab {
  readonly page: SimulatedPage;
  /** Whether it has the connection. */
  readonly isLeader: boolean;
  /** Stops all tasks of the page without an event, as a debugger does. */
  suspend(): void;
  /** Runs the tasks that waited. */
  resume(): void;
  /** The options of a manager or a list in this tab. */
  readonly options: Pick<WatchOptions, "page" | "fetch" | "clock" | "schedule"> & {
    readonly tabs: FeedSharing;
  };
}

/** A browser with real channels and requests. Its locks, and the life of its pages, are simulated. */
export interface TabBrowser {
  readonly time: MovableTime;
  open(): BrowserTab;
  /** One text for each request of a page while another page had the connection. */
  readonly violations: readonly string[];
  /** The page of each request of a feed that is open. */
  openRequests(): readonly string[];
  /** Resolves when a page has sent the first request of a feed. */
  readonly connected: Promise<void>;
  /** Resolves when the messages that are on their way now, and the answers to them, have arrived. */
  settled(): Promise<void>;
  /** Ends every page. */
  close(): void;
}

interface OpenTab extends BrowserTab {
  readonly network: PageFetch;
  /** Whether the page may not know yet that another page leads, because it is suspended, or was until now. */
  readonly isBehind: boolean;
}

let browsers = 0;

/** @param delayMs - The time that a message takes between two pages, or between a page and the locks. */
export function tabBrowser(delayMs: () => number = () => 0): TabBrowser {
  browsers += 1;
  const key = `browser ${browsers}`;
  const net = timedLinks(delayMs);
  const locks = simulatedLocks(net);
  const time = movableTime();
  const tabs: OpenTab[] = [];
  const channels = pageChannels(net);
  const violations: string[] = [];
  const { promise: connected, resolve: connect } = withResolvers();

  function onRequest(tab: OpenTab): void {
    if (tab.isBehind) return;
    for (const other of tabs)
      if (other !== tab && other.network.openRequests > 0 && !other.isBehind)
        violations.push(`${tab.page.name} connects while ${other.page.name} is connected.`);
  }

  function open(): BrowserTab {
    const page = simulatedPage(`tab ${tabs.length + 1}`, (gone) => {
      network.abort();
      locks.drop(gone);
      channels.drop(gone);
    });
    let isBehind = false;
    const network = pageFetch(page, () => {
      onRequest(tab);
      connect();
    });
    const tab: OpenTab = {
      page,
      network,
      // The lock of the leader has the name of the channel.
      get isLeader() {
        return locks.holderOf(channels.name) === page.name;
      },
      suspend() {
        isBehind = true;
        page.suspend();
      },
      resume() {
        page.resume();
        void net.settled().then(() => {
          isBehind = page.isSuspended;
        });
      },
      get isBehind() {
        return isBehind;
      },
      options: {
        page: page.page,
        fetch: network.fetch,
        clock: time.clock,
        schedule: (run, ms) => time.schedule(() => page.run(run), ms),
        tabs: shareTabs({
          key,
          locks: locks.of(page),
          openChannel: (name) => channels.open(page, name),
        }),
      },
    };
    tabs.push(tab);
    return tab;
  }

  return {
    ...{ time, open, violations, connected },
    settled: net.settled,
    openRequests: () =>
      tabs.flatMap(({ page, network }) => Array(network.openRequests).fill(page.name)),
    close() {
      for (const { page } of tabs) if (!page.isGone) page.crash();
    },
  };
}

function withResolvers(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
