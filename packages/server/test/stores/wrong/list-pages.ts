import type { JobPage, ProgressStore } from "../../../src/core/store.js";
import { fieldsOf, type WrongStore } from "./wrong-store.js";

/** The whole list of a subject. */
async function allOf(right: ProgressStore, subject: string): Promise<readonly string[]> {
  return (await right.list(subject, { limit: 10_000 })).jobs;
}

/** A store that makes pages of the whole list by a rule. `place` is where the page begins. */
function pagesBy(
  place: (all: readonly string[], before: string, right: ProgressStore) => number | Promise<number>,
  next: (all: readonly string[], end: number, right: ProgressStore) => string | Promise<string>,
) {
  return (right: ProgressStore): Partial<ProgressStore> => ({
    async list(subject, { limit, before }) {
      const all = await allOf(right, subject);
      const from = before === undefined ? 0 : await place(all, before, right);
      const end = from + limit;
      const following = end < all.length ? await next(all, end, right) : undefined;
      return { jobs: all.slice(from, end), next: following };
    },
  });
}

async function createdAt(right: ProgressStore, id: string | undefined): Promise<number> {
  return Number((await fieldsOf(right, id ?? "")).createdAt);
}

/** Wrong pages of lists. */
const WRONG_PAGES: readonly WrongStore[] = [
  {
    does: "ignores the limit of a page",
    group: "list pages",
    wrong: (right) => ({ list: (subject, page) => right.list(subject, { ...page, limit: 1000 }) }),
  },
  {
    does: "returns pages that are shorter than the limit",
    group: "list pages",
    wrong: (right) => ({
      list: (subject, page) =>
        right.list(subject, { ...page, limit: Math.max(1, Math.min(page.limit - 1, 90)) }),
    }),
  },
  {
    does: "ignores before",
    group: "list pages",
    wrong: (right) => ({
      list: (subject, { limit, before }) =>
        before === undefined ? right.list(subject, { limit }) : right.list("nobody", { limit }),
    }),
  },
  {
    does: "has a next on its last page",
    group: "list pages",
    wrong: (right) => {
      const last = "last";
      return {
        async list(subject, page) {
          if (page.before === last) return { jobs: [], next: undefined };
          const { jobs, next } = await right.list(subject, page);
          return { jobs, next: next ?? (jobs.length > 0 ? last : undefined) };
        },
      };
    },
  },
  {
    does: "takes the subject from the position",
    group: "list pages",
    wrong: (right) => ({
      async list(subject, { limit, before }) {
        const [named, position] = before?.split("-") ?? [];
        const of = position ? Buffer.from(named ?? "", "hex").toString() : subject;
        const { jobs, next } = await right.list(of, { limit, before: position ?? before });
        return { jobs, next: next && `${Buffer.from(of).toString("hex")}-${next}` };
      },
    }),
  },
  {
    does: "takes the number of listed jobs for the position",
    group: "list pages",
    wrong: pagesBy(
      (_, before) => Number(before) || 10_000,
      (_, end) => String(end),
    ),
  },
  {
    does: "takes the number of remaining jobs for the position",
    group: "list pages",
    wrong: pagesBy(
      (all, before) => (Number(before) ? Math.max(0, all.length - Number(before)) : 10_000),
      (all, end) => String(all.length - end),
    ),
  },
  {
    does: "begins again after the removal of the job at a position",
    group: "list pages",
    wrong: pagesBy(
      (all, before) => all.indexOf(before) + 1,
      (all, end) => all[end - 1] ?? "",
    ),
  },
  {
    does: "ends the list after the removal of the job at a position",
    group: "list pages",
    wrong: pagesBy(
      (all, before) => (all.includes(before) ? all.indexOf(before) + 1 : all.length),
      (all, end) => all[end - 1] ?? "",
    ),
  },
  {
    does: "takes the time of creation alone for the position",
    group: "list pages",
    wrong: pagesBy(
      async (all, before, right) => {
        for (const [index, id] of all.entries())
          if ((await createdAt(right, id)) < Number(before)) return index;
        return all.length;
      },
      async (all, end, right) => String(await createdAt(right, all[end - 1])),
    ),
  },
  {
    does: "takes the id for the position among jobs of the same time",
    group: "list pages",
    wrong: pagesBy(
      async (all, before, right) => {
        const [time, last = ""] = before.split(".");
        for (const [index, id] of all.entries()) {
          const at = await createdAt(right, id);
          if (at < Number(time) || (at === Number(time) && id > last)) return index;
        }
        return all.length;
      },
      async (all, end, right) => `${await createdAt(right, all[end - 1])}.${all[end - 1]}`,
    ),
  },
  {
    does: "returns the first page for a before that it does not know",
    group: "list pages",
    wrong: (right) => ({
      async list(subject, { limit, before }) {
        const page = await right.list(subject, { limit, before });
        return page.jobs.length === 0 ? right.list(subject, { limit }) : page;
      },
    }),
  },
  {
    does: "accepts a position once",
    group: "list pages",
    wrong: (right) => {
      const used = new Set<string | undefined>();
      return {
        async list(subject, page) {
          const isUsed = page.before !== undefined && used.has(page.before);
          used.add(page.before);
          return isUsed ? { jobs: [], next: undefined } : right.list(subject, page);
        },
      };
    },
  },
  {
    does: "lists a job some time after its creation",
    group: "list pages",
    wrong: (right) => {
      const fresh = new Set<string>();
      return {
        async create(draft) {
          fresh.add(draft.id);
          const created = await right.create(draft);
          setTimeout(() => fresh.delete(draft.id), 20);
          return created;
        },
        async list(subject, page) {
          const { jobs, next } = await right.list(subject, page);
          return { jobs: jobs.filter((id) => !fresh.has(id)), next };
        },
      };
    },
  },
  {
    does: "lists at most 100 jobs of a subject",
    group: "list pages",
    wrong: (right) => ({
      async list(subject, page) {
        const newest = (await right.list(subject, { limit: 100 })).jobs;
        const { jobs, next } = await right.list(subject, page);
        const kept = jobs.filter((id) => newest.includes(id));
        return { jobs: kept, next: kept.length < jobs.length ? undefined : next };
      },
    }),
  },
];

/** Lists that are wrong where two instances share a backend, or one follows another. */
const WRONG_SHARED_LISTS: readonly WrongStore[] = [
  {
    does: "lists the jobs that its own process created",
    group: "shared lists",
    wrong: (right) => {
      const own = new Set<string>();
      return {
        create(draft) {
          own.add(draft.id);
          return right.create(draft);
        },
        async list(subject, page) {
          const { jobs, next } = await right.list(subject, page);
          return { jobs: jobs.filter((id) => own.has(id)), next };
        },
      };
    },
  },
  {
    does: "accepts the positions of its own process",
    group: "shared lists",
    wrong: (right) => {
      const own = Math.random().toString(36).slice(2);
      return {
        async list(subject, { limit, before }) {
          if (before !== undefined && !before.startsWith(own)) return { jobs: [], next: undefined };
          const position = before?.slice(own.length + 1);
          const { jobs, next } = await right.list(subject, { limit, before: position });
          return { jobs, next: next === undefined ? next : `${own}.${next}` };
        },
      };
    },
  },
  {
    does: "keeps a copy of each list until its own process changes it",
    group: "shared lists",
    wrong: (right) => {
      let copies = new Map<string, JobPage>();
      const forget = <Result>(result: Promise<Result>): Promise<Result> => {
        copies = new Map();
        return result.finally(() => {
          copies = new Map();
        });
      };
      return {
        create: (draft) => forget(right.create(draft)),
        remove: (id) => forget(right.remove(id)),
        sweep: (...args) => forget(right.sweep(...args)),
        async list(subject, page) {
          const name = `${subject} ${page.limit} ${page.before}`;
          const copy = copies.get(name) ?? (await right.list(subject, page));
          copies.set(name, copy);
          return copy;
        },
      };
    },
  },
];

/** Wrong pages of lists, and lists that two instances do not share. */
export const WRONG_LIST_PAGES: readonly WrongStore[] = [...WRONG_PAGES, ...WRONG_SHARED_LISTS];
