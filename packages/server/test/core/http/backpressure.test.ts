import { describe, expect, test } from "vitest";
import { advance, makeContext, useFakeTime } from "../context.js";
import { fakeSink, openStream } from "../streams.js";

useFakeTime();

describe("backpressure", () => {
  test("given a full sink, skips it and writes one delta from its own cursor when it drains", async () => {
    const { progress, createJob, setFields } = makeContext();
    const id = await createJob();
    const slow = fakeSink(2);
    const quick = fakeSink();
    await openStream(progress, id, { sink: slow });
    await openStream(progress, id, { sink: quick });
    for (const message of ["a", "b", "c"]) {
      await setFields(id, { message }, [message]);
      await advance(0);
    }
    expect(slow.deltas()).toHaveLength(1);
    slow.drain();
    expect(slow.deltas()).toHaveLength(2);
    expect(slow.state()).toEqual(quick.state());
    expect(slow.state()?.log.map(({ text }) => text)).toEqual(["a", "b", "c"]);
    expect(slow.writesWhileFull).toBe(0);
  });

  test("given a sink that is full after hello, writes the snapshot when it drains", async () => {
    const { progress, createJob, setFields } = makeContext();
    const id = await createJob();
    const sink = await openStream(progress, id, { sink: fakeSink(1) });
    await setFields(id, { message: "m" });
    await advance(0);
    expect(sink.events.map(({ event }) => event)).toEqual(["hello"]);
    sink.drain();
    expect(sink.state()?.set).toMatchObject({ message: "m" });
  });

  test("given an end while the sink is full, writes it when the sink drains, then closes the stream", async () => {
    const { progress, createJob, setFields } = makeContext();
    const id = await createJob();
    const sink = await openStream(progress, id, { sink: fakeSink(2) });
    await setFields(id, { status: "completed", result: 1 });
    await advance(0);
    expect(sink.ended).toBe(false);
    sink.drain();
    expect(sink.events.at(-1)?.event).toBe("end");
    expect(sink.ended).toBe(true);
  });

  test("given a sink that stays full for stallMs, destroys it and no other", async () => {
    const { progress, createJob, setFields } = makeContext({ stallMs: 30_000 });
    const id = await createJob();
    const stalled = await openStream(progress, id, { sink: fakeSink(2) });
    const other = await openStream(progress, id);
    await setFields(id, { message: "m" });
    await advance(29_000);
    expect(stalled.destroyed).toBe(false);
    await advance(2_000);
    expect(stalled).toMatchObject({ destroyed: true, ended: false, writesWhileFull: 0 });
    expect(other).toMatchObject({ destroyed: false, ended: false });
    expect(progress.metrics().slots).toBe(1);
  });

  test("given a sink that drains in time, does not destroy it", async () => {
    const { progress, createJob, setFields } = makeContext({ stallMs: 30_000 });
    const id = await createJob();
    const sink = await openStream(progress, id, { sink: fakeSink(2) });
    for (const message of ["a", "b", "c"]) {
      await setFields(id, { message });
      await advance(20_000);
      sink.drain(1);
    }
    expect(sink.destroyed).toBe(false);
  });

  test("given drained() on a sink that is not full or has ended, writes nothing", async () => {
    const { progress, createJob, setFields } = makeContext();
    const id = await createJob();
    const sink = await openStream(progress, id);
    sink.drain();
    expect(sink.events).toHaveLength(2);
    await setFields(id, { status: "completed" });
    await advance(0);
    sink.drain();
    expect(sink.events).toHaveLength(3);
  });
});
