import { describe, expect, test, vi } from "vitest";
import { hintSender, hintsOf, payloadsOf } from "../../../src/stores/postgres/notify-batcher.js";

describe("the hints between processes", () => {
  const hints = Array.from({ length: 500 }, (_, by) => ({
    jobId: `${by}`.padStart(128, "x"),
    cursor: by % 5 === 0 ? undefined : `epoch-${by}.${by}`,
  }));

  test("given more than a payload may hold, takes several, and loses none", () => {
    const payloads = payloadsOf("me", hints);
    expect(payloads.length).toBeGreaterThan(1);
    for (const payload of payloads) expect(payload.length).toBeLessThan(8_000);
    expect(payloads.flatMap((payload) => hintsOf("other", payload))).toEqual(hints);
    expect(payloads.flatMap((payload) => hintsOf("me", payload))).toEqual([]);
  });

  test("given hints while one is sent, sends the latest of each job together, but no version over a creation", async () => {
    const sent: string[][] = [];
    let release = (): void => {};
    const sender = hintSender("me", (payloads) => {
      sent.push(payloads.flatMap((payload) => payload.split("\n").slice(1)));
      return new Promise<void>((resolve) => {
        release = resolve;
      });
    });
    sender.add({ jobId: "a", cursor: "e.1" });
    expect(sent).toEqual([["a e.1"]]);
    for (const cursor of ["e.2", "e.4", "e.3"]) sender.add({ jobId: "a", cursor });
    sender.add({ jobId: "b" });
    sender.add({ jobId: "b", cursor: "e.2" });
    for (const cursor of ["e.5", "f.6"]) sender.add({ jobId: "c", cursor });
    const closed = sender.close();
    release();
    await vi.waitFor(() => expect(sent).toHaveLength(2));
    expect(sent[1]).toEqual(["a e.4", "b", "c"]);
    release();
    await closed;
  });

  test("given a hint that can't be sent, sends the next", async () => {
    const sent: string[] = [];
    const sender = hintSender("me", async (payloads) => {
      sent.push(...payloads);
      throw new Error("no database");
    });
    sender.add({ jobId: "a" });
    await sender.close();
    sender.add({ jobId: "b" });
    await sender.close();
    expect(sent).toEqual(["me\na", "me\nb"]);
  });
});
