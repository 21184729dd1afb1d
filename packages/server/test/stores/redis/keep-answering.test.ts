import { expect, test } from "vitest";
import { redisKeys } from "../../../src/stores/redis/keys.js";
import { askOn } from "../../../src/stores/redis/subscriber/keep-answering.js";
import type { SubscriberConnection } from "../../../src/stores/redis/subscriber/subscriber-connection.js";

function recordingConnection(): { asked: string[]; connection: SubscriberConnection } {
  const asked: string[] = [];
  const connection: SubscriberConnection = {
    ready: Promise.resolve(),
    isAlive: () => true,
    subscribe: async (channel) => void asked.push(channel),
    unsubscribe: async () => {},
    reconnect: undefined,
    close() {},
  };
  return { asked, connection };
}

const names = Array.from({ length: 10_000 }, (_, by) => `user:${by}`);
const { of, ofSubject, indexes } = redisKeys("p");
const channels = names.flatMap((name) => [of(name).channel, ofSubject(name).channel]);

test("given thousands of watched jobs and subjects, a check asks once per slot, on a channel of no job", async () => {
  const { asked, connection } = recordingConnection();
  await askOn(connection, channels, true);
  expect(asked).toHaveLength(indexes.length);
  expect(new Set(asked.map((channel) => /\{\d+\}/.exec(channel)?.[0])).size).toBe(indexes.length);
  expect(asked.filter((channel) => channels.includes(channel))).toEqual([]);
});

test("given plain channels, a check asks once", async () => {
  const { asked, connection } = recordingConnection();
  await askOn(connection, channels, false);
  expect(asked).toHaveLength(1);
});
