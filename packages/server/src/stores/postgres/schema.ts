/** The names of what the store keeps in a database, quoted, with their schema. */
export interface PostgresNames {
  /** Of the schema, not quoted. */
  readonly schema: string;
  readonly tablePrefix: string;
  /** Of a table or function. */
  of(name: string): string;
  /** On which the hints are sent. */
  readonly channel: string;
}

/** The names in a schema. Both parts are identifiers without a quote in them. */
export function postgresNames(schema: string, tablePrefix: string): PostgresNames {
  return {
    schema,
    tablePrefix,
    of: (name) => `"${schema}"."${tablePrefix}${name}"`,
    channel: `progress:${schema}:${tablePrefix}`,
  };
}

/**
 * The tables, the first version.
 *
 * One row per job, one per field, one per log line. No write changes a column that an index holds, but for `due_at`; and that moves only when something
 * falls due *earlier*: after a renewal it stays where it is, too early, and a sweep that comes by puts it right. So nearly every update is a HOT one,
 * for which the fill factor leaves room on the page.
 *
 * Values are JSON *texts*. `jsonb` refuses `\u0000` and lone surrogates, and `json` would be parsed again at each turn.
 *
 * Ids are compared by their bytes, so that no collation, and no change of one, can mistake them. No foreign keys: only the functions write here, under the
 * lock of the job's row, and checking each field would cost them another lookup.
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
  stale boolean not null,
  last_n bigint not null,
  last_line_version bigint not null,
  -- Milliseconds since the epoch, by the clock of the database.
  updated_at bigint not null,
  written_at bigint not null,
  lease_ms bigint not null,
  lease_until bigint,
  deadline_at bigint,
  ended_at bigint,
  due_at bigint not null,
  -- A tombstone: it remembers that the job was there, until due_at.
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
  n bigint not null,
  version bigint not null,
  line text not null,
  primary key (job_id, n)
) with (autovacuum_vacuum_scale_factor = 0.05);
`;
}

/** What is due when, and what then happens: `core/endings.ts` once more, in the language of the place where the rows are. A test compares the two. */
export function endingsSql({ of }: PostgresNames): string {
  const times = `ended_at bigint, deadline_at bigint, lease_until bigint, lease_ms bigint, stale boolean, written_at bigint,
  ttl_ms bigint, idle_ttl_ms bigint`;
  return `
create function ${of("now_ms")}() returns bigint language sql volatile as $body$
  select floor(extract(epoch from clock_timestamp()) * 1000)::bigint
$body$;

create function ${of("due_at")}(${times}) returns bigint language sql immutable as $body$
  select case
    when ended_at is not null then ended_at + ttl_ms
    else least(
      deadline_at,
      case when lease_until is null then written_at + idle_ttl_ms when stale then lease_until + lease_ms else lease_until end
    )
  end
$body$;

create function ${of("fate_at")}(now_ms bigint, ${times}) returns text language sql immutable as $body$
  select case
    when ended_at is not null then case when ended_at + ttl_ms <= now_ms then 'expired' end
    when deadline_at <= now_ms then 'timed-out'
    when lease_until is null then case when written_at + idle_ttl_ms <= now_ms then 'expired' end
    when lease_until + lease_ms <= now_ms then 'lost'
    when not stale and lease_until <= now_ms then 'stale'
  end
$body$;
`;
}
