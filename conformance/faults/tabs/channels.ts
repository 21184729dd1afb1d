import type { TabChannel } from "@emlinh/progress-client/tabs";
import type { SimulatedPage } from "../../../packages/client/test/support/tabs/page.js";
import type { TimedLinks } from "./timed-links.js";

/** The channels of simulated pages: real ones, whose messages wait while a page is suspended. */
export interface PageChannels {
  /** The name of the last channel that was opened. */
  readonly name: string;
  open(page: SimulatedPage, name: string): TabChannel;
  /** Closes the channels of a page that has gone. */
  drop(page: SimulatedPage): void;
}

export function pageChannels(net: TimedLinks): PageChannels {
  const channels = new Map<BroadcastChannel, SimulatedPage>();
  let lastName = "";

  function close(channel: BroadcastChannel): void {
    channels.delete(channel);
    channel.close();
  }

  return {
    get name() {
      return lastName;
    },
    open(page, name) {
      lastName = name;
      const channel = new BroadcastChannel(name);
      channels.set(channel, page);
      return {
        postMessage: (message) => channel.postMessage(message),
        addEventListener(type, listener) {
          channel.addEventListener(type, ({ data }) =>
            net.send(`channel of ${page.name}`, page, () => {
              if (channels.has(channel)) listener({ data });
            }),
          );
        },
        close: () => close(channel),
      };
    },
    drop(page) {
      for (const [channel, owner] of [...channels]) if (owner === page) close(channel);
    },
  };
}
