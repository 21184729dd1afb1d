import { describe, expect, test } from "vitest";
import { notificationsOf, payloadsOf } from "../../../src/stores/postgres/change-notification.js";
import { createNotifyBatcher } from "../../../src/stores/postgres/notify-batcher.js";

describe("the notifications between processes", () => {
  const notifications = Array.from({ length: 500 }, (_, by) => ({
    key: `${by}`.padStart(128, "x"),
    cursor: by % 5 === 0 ? undefined : `epoch-${by}.${by}`,
  }));

  test("given more notifications than fit into one payload, uses several and loses none", () => {
    const payloads = payloadsOf("me", notifications);
    expect(payloads.length).toBeGreaterThan(1);
    for (const payload of payloads) expect(payload.length).toBeLessThan(8_000);
    expect(payloads.flatMap((payload) => notificationsOf("other", payload))).toEqual(notifications);
    expect(payloads.flatMap((payload) => notificationsOf("me", payload))).toEqual([]);
  });

  test("given notifications while one is sent, sends one per job, without a version after a creation", async () => {
    const sent: string[][] = [];
    let release = (): void => {};
    const batcher = createNotifyBatcher("me", (payloads) => {
      sent.push(payloads.flatMap((payload) => payload.split("\n").slice(1)));
      return new Promise<void>((resolve) => {
        release = resolve;
      });
    });
    batcher.add({ key: "a", cursor: "e.1" });
    expect(sent).toEqual([["a e.1"]]);
    for (const cursor of ["e.2", "e.4", "e.3"]) batcher.add({ key: "a", cursor });
    batcher.add({ key: "b" });
    batcher.add({ key: "b", cursor: "e.2" });
    for (const cursor of ["e.5", "f.6"]) batcher.add({ key: "c", cursor });
    const closed = batcher.close();
    release();
    await expect.poll(() => sent).toHaveLength(2);
    expect(sent[1]).toEqual(["a e.4", "b", "c"]);
    release();
    await closed;
  });

  test("given a notification that can't be sent, sends the next one", async () => {
    const sent: string[] = [];
    const batcher = createNotifyBatcher("me", async (payloads) => {
      sent.push(...payloads);
      throw new Error("no database");
    });
    batcher.add({ key: "a" });
    await batcher.close();
    batcher.add({ key: "b" });
    await batcher.close();
    expect(sent).toEqual(["me\na", "me\nb"]);
  });
});
