import { isProgressError } from "@emlinh/progress-protocol";
import type { JobDraft, JobPage, ProgressStore } from "../../../src/core/store.js";
import { fieldsOf, versionOf, type WrongStore } from "./wrong-store.js";

/** A store that alters the subjects of each draft. */
function altersSubjects(alter: (subjects: readonly string[]) => readonly string[]) {
  return (right: ProgressStore): Partial<ProgressStore> => ({
    create: ({ subjects, ...draft }) =>
      right.create({ ...draft, ...(subjects && { subjects: alter(subjects) }) }),
  });
}

/** A store that returns altered pages. */
function altersPages(alter: (page: JobPage, limit: number) => JobPage | Promise<JobPage>) {
  return (right: ProgressStore): Partial<ProgressStore> => ({
    list: async (subject, page) => alter(await right.list(subject, page), page.limit),
  });
}

/** A store that keeps a list of its own beside the right one, and never removes from it. */
function neverLeaves(kept: (right: ProgressStore, id: string) => Promise<boolean>) {
  return (right: ProgressStore): Partial<ProgressStore> => {
    const listed: { readonly id: string; readonly subjects: readonly string[] }[] = [];
    return {
      create({ id, subjects = [], ...draft }) {
        listed.push({ id, subjects: [...subjects] });
        return right.create({ id, subjects, ...draft });
      },
      async list(subject, page) {
        const found = await right.list(subject, page);
        const own = listed.filter(({ id, subjects }) => {
          return subjects.includes(subject) && !found.jobs.includes(id);
        });
        const wrong: string[] = [];
        for (const { id } of own) if (await kept(right, id)) wrong.push(id);
        return page.before === undefined && found.next === undefined
          ? { ...found, jobs: [...new Set([...found.jobs, ...wrong])] }
          : found;
      },
    };
  };
}

/** The subjects of all spaces, as a store without prefixes would keep them. */
const EVERYWHERE = new Map<string, Set<string>>();

/** Wrong members of lists. */
export const WRONG_LISTS: readonly WrongStore[] = [
  {
    does: "lists the oldest job first",
    group: "lists",
    wrong: altersPages((page) => ({ ...page, jobs: [...page.jobs].reverse() })),
  },
  {
    does: "lists jobs by their last write",
    group: "lists",
    wrong: (right) =>
      altersPages(async (page) => {
        const times = new Map<string, number>();
        for (const id of page.jobs) times.set(id, await versionOf(right, id));
        const jobs = [...page.jobs].sort((a, b) => (times.get(b) ?? 0) - (times.get(a) ?? 0));
        return { ...page, jobs };
      })(right),
  },
  {
    does: "lists jobs by their id",
    group: "lists",
    wrong: altersPages((page) => ({ ...page, jobs: [...page.jobs].sort() })),
  },
  {
    does: "throws for a subject without jobs",
    group: "lists",
    wrong: altersPages((page) => {
      if (page.jobs.length === 0) throw new Error("There is no such subject.");
      return page;
    }),
  },
  {
    does: "ignores the case of subjects",
    group: "lists",
    wrong: (right) => ({
      ...altersSubjects((all) => all.map((each) => each.toLowerCase()))(right),
      list: (subject, page) => right.list(subject.toLowerCase(), page),
    }),
  },
  {
    does: "lists a job for its first four subjects",
    group: "lists",
    wrong: altersSubjects((subjects) => subjects.slice(0, 4)),
  },
  {
    does: "keeps the caller's array of subjects",
    group: "lists",
    wrong: (right) => {
      const later = new Map<string, readonly string[]>();
      return {
        create(draft) {
          later.set(draft.id, draft.subjects ?? []);
          return right.create(draft);
        },
        async list(subject, page) {
          const { jobs, ...rest } = await right.list(subject, page);
          return { ...rest, jobs: jobs.filter((id) => later.get(id)?.includes(subject)) };
        },
      };
    },
  },
  {
    does: "returns the subjects of a job as a field",
    group: "lists",
    wrong: (right) => ({
      create({ set, ...draft }) {
        const { subjects = [] } = draft;
        return right.create({ ...draft, set: { ...set, "metadata.subjects": subjects } });
      },
    }),
  },
  {
    does: "lists the known job for the subjects of a draft with its key",
    group: "lists",
    wrong: (right) => addsAlways(right, (error) => Promise.reject(error)),
  },
  {
    does: "lists a job for the subjects of a draft that it refused",
    group: "lists",
    wrong: (right) => addsAlways(right, (error, add) => add().then(() => Promise.reject(error))),
  },
  {
    does: "lists removed jobs",
    group: "lists",
    wrong: neverLeaves(async (right, id) => (await versionOf(right, id)) === 0),
  },
  {
    does: "lists expired jobs",
    group: "lists",
    wrong: (right) => {
      const removed = new Set<string>();
      return {
        ...neverLeaves(async (_, id) => !removed.has(id) && (await versionOf(right, id)) === 0)(
          right,
        ),
        remove(id) {
          removed.add(id);
          return right.remove(id);
        },
      };
    },
  },
  {
    does: "drops jobs that a sweep ends from their lists",
    group: "lists",
    wrong: (right) =>
      altersPages(async (page) => {
        const jobs: string[] = [];
        for (const id of page.jobs)
          if ((await fieldsOf(right, id)).status !== "lost") jobs.push(id);
        return { ...page, jobs };
      })(right),
  },
  {
    does: "drops ended jobs from their lists",
    group: "lists",
    wrong: (right) =>
      altersPages(async (page) => {
        const jobs: string[] = [];
        for (const id of page.jobs)
          if ((await fieldsOf(right, id)).status !== "completed") jobs.push(id);
        return { ...page, jobs };
      })(right),
  },
  {
    does: "lists a new job for the subjects of an earlier one with its id",
    group: "lists",
    wrong: neverLeaves(async (right, id) => (await versionOf(right, id)) > 0),
  },
  {
    does: "lists the jobs of every space",
    group: "lists",
    wrong: (right) => ({
      create(draft) {
        for (const subject of draft.subjects ?? [])
          EVERYWHERE.set(subject, (EVERYWHERE.get(subject) ?? new Set()).add(draft.id));
        return right.create(draft);
      },
      list: async (subject) => ({ jobs: [...(EVERYWHERE.get(subject) ?? [])], next: undefined }),
    }),
  },
  {
    does: "lists one of two concurrent creations",
    group: "lists",
    wrong: (right) => {
      let isBusy = false;
      return {
        async create({ subjects, ...draft }) {
          const lost = isBusy;
          isBusy = true;
          await null;
          isBusy = false;
          return right.create({ ...draft, ...(!lost && subjects && { subjects }) });
        },
      };
    },
  },
];

type Refused = (error: unknown, add: () => Promise<void>) => Promise<never>;

/** A store that adds the job of a draft to lists also if it stored no job. */
function addsAlways(right: ProgressStore, onRefused: Refused): Partial<ProgressStore> {
  const extra = new Map<string, string[]>();
  const add = async ({ subjects = [] }: JobDraft, id: string): Promise<void> => {
    for (const subject of subjects) extra.set(subject, [...(extra.get(subject) ?? []), id]);
  };
  return {
    async create(draft) {
      const created = await right.create(draft).catch((error: unknown) => {
        if (!isProgressError(error, "invalid-change")) throw error;
        return onRefused(error, () => add(draft, draft.id));
      });
      if (!created.created) await add(draft, created.jobId);
      return created;
    },
    async list(subject, page) {
      const found = await right.list(subject, page);
      return { ...found, jobs: [...found.jobs, ...(extra.get(subject) ?? [])] };
    },
  };
}
