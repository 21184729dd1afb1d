import type { PostgresNames } from "../names.js";

/**
 * The tables: one row per job, one per field, one per log line.
 *
 * No write changes an indexed column except `due_at`, and that only if something is due earlier than before. After a
 * renewed lease it keeps its value, which is too early, and the next sweep corrects it. So nearly every update is a HOT
 * update, for which the fill factor leaves room on the page.
 *
 * Values are JSON as `text`: `jsonb` refuses `\u0000` and lone surrogates, and `json` would be parsed again by each
 * call.
 *
 * Ids have the collation "C", so that they are compared by their bytes and no change of a collation can confuse them.
 * There are no foreign keys: only the functions write to the tables, under the lock of the job's row, and each check
 * would cost another lookup.
 */
export function tablesSql({ of, tablePrefix }: PostgresNames): string {
  return `
create table ${of("jobs")} (
  id text collate "C" primary key,
  epoch text not null,
  version bigint not null,
  -- A digest: keys may be longer than an index entry, and need not be kept in the clear.
  key bytea,
  attempt double precision not null,
  -- The worker that may write to the job, the count of its last write, and the version at which its hold began.
  hold_token text,
  hold_count bigint,
  hold_since bigint,
  stale boolean not null,
  -- Lines that the job ever had, and numbers that were skipped before some of them.
  lines bigint not null,
  lost_lines bigint not null,
  last_line_version bigint not null,
  -- Times are milliseconds since the epoch, by the clock of the database.
  updated_at bigint not null,
  written_at bigint not null,
  lease_ms bigint not null,
  lease_until bigint,
  deadline_at bigint,
  ended_at bigint,
  due_at bigint not null,
  -- The row is a tombstone: until due_at it remembers that the job existed.
  removed boolean not null default false
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
create unique index "${tablePrefix}jobs_key" on ${of("jobs")} (key) where key is not null;
create index "${tablePrefix}jobs_due_at" on ${of("jobs")} (due_at);

create table ${of("fields")} (
  job_id text collate "C" not null,
  name text collate "C" not null,
  version bigint not null,
  value text not null,
  primary key (job_id, name)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

create table ${of("lines")} (
  job_id text collate "C" not null,
  -- Without the gaps of the line's number n, so that a range of ordinals is a number of lines.
  ordinal bigint not null,
  n bigint not null,
  version bigint not null,
  line text not null,
  primary key (job_id, ordinal)
) with (autovacuum_vacuum_scale_factor = 0.05);
`;
}
