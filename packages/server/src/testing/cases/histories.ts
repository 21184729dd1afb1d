import {
  applyDelta,
  type Change,
  type Delta,
  deltaAfter,
  emptyReplica,
  printCursor,
} from "@emlinh/progress-protocol";
import type { ProgressStore } from "../../core/store.js";
import { assertEqual, assertTrue } from "../assert.js";
import type { CaseGroup } from "../case.js";
import { asWorker, cursorParts, draft, range, readJob, versionOf, writeJob } from "../fixtures.js";
import { type History, history, randomChange, randomEnd, seeded } from "../history.js";

const MAX_LOG_LINES = 7;
const SEEDS = [1, 2, 3, 4, 5];

/** Puts the seed into the error, so that the failure can be repeated. */
async function withSeed(seed: number, run: (random: () => number) => Promise<void>): Promise<void> {
  await run(seeded(seed)).catch((cause: unknown) => {
    throw Object.assign(
      new Error(`Seed ${seed}: ${cause instanceof Error ? cause.message : String(cause)}`, {
        cause,
      }),
    );
  });
}

/**
 * Writes random changes and an end. Reads from a random version after each change, and from every version after the
 * end.
 */
async function readAfterEachWrite(
  store: ProgressStore,
  id: string,
  random: () => number,
): Promise<void> {
  const expected = history(MAX_LOG_LINES);
  const { cursor } = await store.create(draft(id));
  const { epoch } = cursorParts(cursor);
  const check = async (from: number): Promise<void> =>
    expected.check(await readJob(store, id, printCursor({ epoch, version: from })), from);
  const changes = [...range(40).map(() => randomChange(random)), randomEnd(random)];
  for (const next of asWorker("worker", cursor, changes)) {
    expected.append(next);
    // Some writes arrive twice.
    for (const _ of range(random() < 0.2 ? 2 : 1))
      assertEqual(
        versionOf(await writeJob(store, id, next)),
        expected.version(),
        "the version of a write",
      );
    await check(1 + Math.floor(random() * expected.version()));
  }
  for (const by of range(expected.version())) await check(by + 1);
  expected.check(await readJob(store, id), undefined);
}

/** The data that the readers of {@link readDuringWrites} share. */
interface Reading {
  readonly store: ProgressStore;
  readonly expected: History;
  readonly random: () => number;
  /** Whether everything was written, so that the next read must return the end. */
  readonly isOver: () => boolean;
}

/** Reads from its own cursor again and again until the end. Returns the state of its replica. */
async function readUntilEnd({ store, expected, random, isOver }: Reading): Promise<Delta> {
  let replica = emptyReplica();
  for (;;) {
    const last = isOver();
    const isNew = replica.version === 0;
    const delta = await readJob(store, "a", isNew ? undefined : replica.cursor);
    expected.check(delta, isNew ? undefined : replica.version);
    const applied = applyDelta(replica, delta, MAX_LOG_LINES);
    assertTrue(
      applied !== "unknown-epoch",
      "The delta after a cursor of the job has another epoch.",
    );
    if (replica.done) return deltaAfter(replica);
    assertTrue(!last, "A read that began after the end was written does not return the end.");
    // Some readers begin again without a cursor.
    if (random() < 0.1) replica = emptyReplica();
  }
}

/**
 * All changes are chosen before the first write, so that a delta between any two versions can be checked during the
 * writes.
 */
async function readDuringWrites(
  store: ProgressStore,
  readFrom: ProgressStore,
  random: () => number,
): Promise<void> {
  const expected = history(MAX_LOG_LINES);
  const changes: readonly Change[] = [
    ...range(60).map(() => randomChange(random)),
    randomEnd(random),
  ];
  for (const each of changes) expected.append(each);
  const { cursor } = await store.create(draft("a"));
  let over = false;
  const reading = { store: readFrom, expected, random, isOver: () => over };
  const [copies] = await Promise.all([
    Promise.all(range(5).map(() => readUntilEnd(reading))),
    writeAll(store, asWorker("worker", cursor, changes)).finally(() => {
      over = true;
    }),
  ]);
  const snapshot = await readJob(store, "a");
  for (const copy of copies) assertEqual(copy, snapshot, "a reader's replica");
}

async function writeAll(store: ProgressStore, changes: readonly Change[]): Promise<void> {
  for (const each of changes) await store.write("a", each);
}

/** Five readers read one job during the writes, perhaps through another instance than the writer. */
export async function readWhileWriting(
  store: ProgressStore,
  readFrom: ProgressStore,
): Promise<void> {
  await withSeed(6, (random) => readDuringWrites(store, readFrom, random));
}

export const HISTORIES: CaseGroup = {
  group: "histories",
  cases: [
    {
      name: "given random writes, returns to a reader at any cursor exactly what changed after it",
      async run({ open }) {
        const store = await open({ maxLogLines: MAX_LOG_LINES });
        for (const seed of SEEDS)
          await withSeed(seed, (random) => readAfterEachWrite(store, `job-${seed}`, random));
      },
    },
    {
      name: "given reads during writes, returns one consistent point with each",
      async run({ open }) {
        const store = await open({ maxLogLines: MAX_LOG_LINES });
        await readWhileWriting(store, store);
      },
    },
  ],
};
