import type { SubscriberConnection } from "./subscriber-connection.js";

type ChannelCommand = (channel: string) => Promise<unknown>;

/** The commands for one kind of channels. */
export interface ChannelCommands {
  readonly subscribe: ChannelCommand;
  readonly unsubscribe: ChannelCommand;
}

/**
 * Uses sharded channels if given, and plain ones if the server does not know the sharded. Publishers fall back in the
 * same way.
 */
export function shardedOrPlain(
  plain: ChannelCommands,
  sharded: ChannelCommands | undefined,
): Pick<SubscriberConnection, "subscribe" | "unsubscribe"> {
  let commands = sharded ?? plain;
  return {
    async subscribe(channel) {
      try {
        await commands.subscribe(channel);
      } catch (error) {
        if (commands === plain || !isUnknownCommand(error)) throw error;
        commands = plain;
        await plain.subscribe(channel);
      }
    },
    async unsubscribe(channel) {
      await commands.unsubscribe(channel);
    },
  };
}

/** Redis has no error code for an unknown command, only a message. */
function isUnknownCommand(error: unknown): boolean {
  return error instanceof Error && /^ERR unknown command/i.test(error.message);
}
