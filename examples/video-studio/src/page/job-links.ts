/** A part of the conversation that an address names: a video or a batch of videos. */
export interface Link {
  readonly kind: "job" | "batch";
  readonly id: string;
}

const ID = /^[A-Za-z0-9._-]{1,128}$/;
const MAX_LINKS = 12;

/** The links of an address, in order, without duplicates: `?job=A&batch=B`. Invalid ids are left out. */
export function linksIn(search: string): readonly Link[] {
  const links: Link[] = [];
  for (const [kind, id] of new URLSearchParams(search)) {
    if ((kind !== "job" && kind !== "batch") || !ID.test(id)) continue;
    if (!links.some((link) => link.kind === kind && link.id === id)) links.push({ kind, id });
  }
  return links.slice(-MAX_LINKS);
}

/** The address with these links instead of those that it has. Only the newest 12 are kept, to limit its length. */
export function withLinks(address: string, links: readonly Link[]): string {
  const url = new URL(address);
  for (const kind of ["job", "batch"]) url.searchParams.delete(kind);
  for (const { kind, id } of links.slice(-MAX_LINKS)) url.searchParams.append(kind, id);
  return url.href;
}
