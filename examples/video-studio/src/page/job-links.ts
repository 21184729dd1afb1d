const JOB_ID = /^[A-Za-z0-9_-]{1,128}$/;
const MAX_JOBS = 12;

/** The jobs that an address names, in order, without duplicates: `?job=A&job=B`. Invalid ids are left out. */
export function jobsIn(search: string): readonly string[] {
  const ids = new URLSearchParams(search).getAll("job").filter((id) => JOB_ID.test(id));
  return [...new Set(ids)].slice(-MAX_JOBS);
}

/** The address with these jobs instead of those that it names. Only the newest 12 are kept, to limit its length. */
export function withJobs(address: string, ids: readonly string[]): string {
  const url = new URL(address);
  url.searchParams.delete("job");
  for (const id of ids.slice(-MAX_JOBS)) url.searchParams.append("job", id);
  return url.href;
}
