import {
  applyDelta,
  type Change,
  type Delta,
  deltaAfter,
  emptyReplica,
  printCursor,
  replicaCursor,
} from "@emlinh/progress-protocol";
import type { ProgressStore } from "../../core/store.js";
import { holds, same } from "../assert.js";
import type { CaseGroup } from "../case.js";
import { completion, draft, parts, readJob, upTo, versionOf } from "../given.js";
import { type History, history, randomChange, seeded } from "../history.js";

const MAX_LOG_LINES = 7;
const SEEDS = [1, 2, 3, 4, 5];

/** So that a failure can be played again. */
async function withSeed(seed: number, run: (random: () => number) => Promise<void>): Promise<void> {
  await run(seeded(seed)).catch((cause: unknown) => {
    throw Object.assign(
      new Error(`Seed ${seed}: ${cause instanceof Error ? cause.message : String(cause)}`, {
        cause,
      }),
    );
  });
}

/** Writes random changes, and after each reads from a random version, and from all of them in the end. */
async function oneReader(store: ProgressStore, id: string, random: () => number): Promise<void> {
  const told = history(MAX_LOG_LINES);
  const { epoch } = parts((await store.create(draft(id))).cursor);
  const check = async (from: number): Promise<void> =>
    told.check(await readJob(store, id, printCursor({ epoch, version: from })), from);
  for (const _ of upTo(40)) {
    const next = randomChange(random);
    told.append(next);
    same(versionOf(await store.write(id, next)), told.version(), "the version of a write");
    await check(1 + Math.floor(random() * told.version()));
  }
  for (const by of upTo(told.version())) await check(by + 1);
  told.check(await readJob(store, id), undefined);
}

/** What the readers of {@link manyReaders} go by. */
interface Reading {
  readonly store: ProgressStore;
  readonly told: History;
  readonly random: () => number;
  /** Whether all is written, so that the next read must tell the end. */
  readonly isOver: () => boolean;
}

/** Reads on and on while others write, each time from its own cursor, until the end; returns its copy. */
async function reader({ store, told, random, isOver }: Reading): Promise<Delta> {
  let replica = emptyReplica();
  for (;;) {
    const last = isOver();
    const isNew = replica.version === 0;
    const delta = await readJob(store, "a", isNew ? undefined : replicaCursor(replica));
    told.check(delta, isNew ? undefined : replica.version);
    const applied = applyDelta(replica, delta, MAX_LOG_LINES);
    holds(
      applied !== "unknown-epoch",
      "A delta does not follow the cursor that it was asked with.",
    );
    if (replica.done) return deltaAfter(replica);
    holds(!last, "The end was written, and a read begun after it doesn't tell it.");
    // Now and then a reader comes anew.
    if (random() < 0.1) replica = emptyReplica();
  }
}

/** The history is settled before the first write, so that a delta between any two versions can be checked while the writes go on. */
async function manyReaders(
  store: ProgressStore,
  readFrom: ProgressStore,
  random: () => number,
): Promise<void> {
  const told = history(MAX_LOG_LINES);
  const changes: readonly Change[] = [
    ...upTo(60).map(() => randomChange(random)),
    completion("there"),
  ];
  for (const each of changes) told.append(each);
  await store.create(draft("a"));
  let over = false;
  const reading = { store: readFrom, told, random, isOver: () => over };
  const [copies] = await Promise.all([
    Promise.all(upTo(5).map(() => reader(reading))),
    writeAll(store, changes).finally(() => {
      over = true;
    }),
  ]);
  const snapshot = await readJob(store, "a");
  for (const copy of copies) same(copy, snapshot, "a reader's copy, against the store's");
}

async function writeAll(store: ProgressStore, changes: readonly Change[]): Promise<void> {
  for (const each of changes) await store.write("a", each);
}

/** Five readers of one job, who may go through another instance than the writer. */
export async function readWhileWriting(
  store: ProgressStore,
  readFrom: ProgressStore,
): Promise<void> {
  await withSeed(6, (random) => manyReaders(store, readFrom, random));
}

export const HISTORIES: CaseGroup = {
  group: "histories",
  cases: [
    {
      name: "given random writes, tells a reader at any cursor just what came after it",
      async run({ open }) {
        const store = await open({ maxLogLines: MAX_LOG_LINES });
        for (const seed of SEEDS)
          await withSeed(seed, (random) => oneReader(store, `job-${seed}`, random));
      },
    },
    {
      name: "given readers at any cursor while the writes go on, tells each one consistent point after another",
      async run({ open }) {
        const store = await open({ maxLogLines: MAX_LOG_LINES });
        await readWhileWriting(store, store);
      },
    },
  ],
};
