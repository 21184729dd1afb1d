const JOB_ID = /^[A-Za-z0-9_-]{1,128}$/;
const MOST = 12;

/** The jobs that an address names, in order, each once: `?job=A&job=B`. What can't be an id is left out. */
export function jobsIn(search: string): readonly string[] {
  const ids = new URLSearchParams(search).getAll("job").filter((id) => JOB_ID.test(id));
  return [...new Set(ids)].slice(-MOST);
}

/** The address with these jobs in place of those that it named; the newest of them, as an address should not grow for ever. */
export function withJobs(address: string, ids: readonly string[]): string {
  const url = new URL(address);
  url.searchParams.delete("job");
  for (const id of ids.slice(-MOST)) url.searchParams.append("job", id);
  return url.href;
}
