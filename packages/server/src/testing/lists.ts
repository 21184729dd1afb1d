import type { JobDraft, JobPage, ProgressStore } from "../core/store.js";
import { assertEqual, assertTrue } from "./assert.js";
import type { TestContext } from "./context.js";
import { draft, range, readFields } from "./fixtures.js";

/** The subject of most tests. */
export const SUBJECT = "user:42";

/** A draft of a job of {@link SUBJECT}. */
export function listedDraft(id: string, more: Partial<JobDraft> = {}): JobDraft {
  return draft(id, { subjects: [SUBJECT], ...more });
}

/** Creates jobs of {@link SUBJECT}, each at a later time than the one before. Returns their ids, the newest first. */
export async function createListed(
  context: TestContext,
  store: ProgressStore,
  ids: readonly string[],
): Promise<readonly string[]> {
  for (const id of ids) {
    await store.create(listedDraft(id));
    await afterCreationOf(context, store, id);
  }
  return [...ids].reverse();
}

/** Waits until the store's time is after the creation of a job. */
async function afterCreationOf(
  { eventually }: TestContext,
  store: ProgressStore,
  id: string,
): Promise<void> {
  const { createdAt } = await readFields(store, id);
  await eventually("The store's time is after the creation", async () => {
    const delta = await store.read(id);
    return delta !== undefined && delta.now > Number(createdAt);
  });
}

/** The ids `job-0`, `job-1` and so on. */
export function jobIds(count: number): readonly string[] {
  return range(count).map((by) => `job-${by}`);
}

/** The ids of the first page. */
export async function listedIds(
  store: ProgressStore,
  subject: string = SUBJECT,
): Promise<readonly string[]> {
  return (await store.list(subject, { limit: 100 })).jobs;
}

/** How to read a list page by page. */
interface Paging {
  readonly limit: number;
  /** Called between two pages. @param page - The page that was read. */
  readonly between?: (page: JobPage) => Promise<void>;
}

/** Reads a whole list page by page. Fails the test if a page or its `next` is malformed. */
export async function pagedIds(
  store: ProgressStore,
  { limit, between = async () => {} }: Paging,
): Promise<readonly string[]> {
  const ids: string[] = [];
  let before: string | undefined;
  for (let pages = 1; ; pages += 1) {
    const page = await store.list(SUBJECT, { limit, before });
    assertTrue(
      page.jobs.length <= limit,
      `A page has ${page.jobs.length} jobs; limit is ${limit}.`,
    );
    ids.push(...page.jobs);
    before = page.next;
    if (before === undefined) return ids;
    assertTrue(/^[A-Za-z0-9._-]{1,200}$/.test(before), `A page has the next ${before}.`);
    assertTrue(pages < 1000, "A thousand pages in a row have a next.");
    await between(page);
  }
}

/** Fails the test unless the list has exactly these ids, in any order. */
export async function assertListed(
  store: ProgressStore,
  ids: readonly string[],
  subject: string = SUBJECT,
): Promise<void> {
  const listed = await listedIds(store, subject);
  assertEqual([...listed].sort(), [...ids].sort(), `the jobs of ${subject}`);
}

/** Reads the list after each wake until it has these jobs. */
export async function followList(
  store: ProgressStore,
  context: TestContext,
  { until, during }: { until: readonly string[]; during: () => Promise<void> },
): Promise<void> {
  const { wake, count, wakeAfter } = context.waker();
  const unwatch = await store.watch({ subject: SUBJECT }, wake);
  const wanted = [...until].sort().join();
  const follow = async (): Promise<void> => {
    for (;;) {
      const seen = count();
      if ([...(await listedIds(store))].sort().join() === wanted) return;
      await wakeAfter(seen);
    }
  };
  await Promise.all([during().then(follow), follow()]);
  await unwatch();
}
