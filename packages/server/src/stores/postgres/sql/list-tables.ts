import type { PostgresNames } from "../names.js";

/**
 * The tables of the lists and of the learned durations.
 *
 * `listed_jobs` has one row for each subject of each job. Its primary key is the order of the lists and holds all of
 * its columns, so a page is read from this one index. `place` is the time of creation in microseconds.
 *
 * `list_versions` tells a poll that the membership of a list has changed. A row is locked until the transaction that
 * changes it is on the disk. So that creations of one subject need not wait for each other, a list has several rows,
 * and each session of the database changes one of them: with commits of 5 ms, 32 sessions create 1,250 jobs of one
 * subject a second, and 90 with a single row. A row that was not changed for a day is deleted; see `forget`.
 *
 * Kinds and steps of `expectations` are JSON texts, because `text` can't hold every character.
 */
export function listTablesSql({ of, tablePrefix }: PostgresNames): string {
  return `
create table ${of("listed_jobs")} (
  subject text collate "C" not null,
  place bigint not null,
  job_id text collate "C" not null,
  primary key (subject, place, job_id)
) with (autovacuum_vacuum_scale_factor = 0.05);
create unique index "${tablePrefix}listed_by_job" on ${of("listed_jobs")} (job_id, subject);

create table ${of("list_versions")} (
  subject text collate "C" not null,
  shard integer not null,
  -- Rises with each change. At least the time of the change, in milliseconds.
  version bigint not null,
  primary key (subject, shard)
) with (autovacuum_vacuum_scale_factor = 0.05);
create index "${tablePrefix}list_versions_at" on ${of("list_versions")} (version);

create table ${of("expectations")} (
  kind text collate "C" not null,
  step text collate "C" not null,
  count bigint not null,
  -- Of the natural logarithms of the milliseconds.
  mean double precision not null,
  variance double precision not null,
  learned_at bigint not null,
  primary key (kind, step)
) with (autovacuum_vacuum_scale_factor = 0.05);
create index "${tablePrefix}expectations_at" on ${of("expectations")} (learned_at);
${copyGrantsSql(of)}`;
}

/** A role that may use the table `jobs` may use the new ones: processes of an earlier version sweep them, too. */
function copyGrantsSql(of: PostgresNames["of"]): string {
  return `
declare
  granted record;
begin
  for granted in
    select a.privilege_type as privilege, case a.grantee when 0 then 'public' else a.grantee::regrole::text end as role
    from pg_class c cross join lateral aclexplode(c.relacl) as a
    where c.oid = '${of("jobs")}'::regclass and a.grantee <> c.relowner
      and a.privilege_type in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
  loop
    execute format(
      'grant %s on ${of("listed_jobs")}, ${of("list_versions")}, ${of("expectations")} to %s',
      granted.privilege, granted.role
    );
  end loop;
end;
`;
}
