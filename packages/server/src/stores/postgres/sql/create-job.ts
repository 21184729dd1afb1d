import type { PostgresNames } from "../names.js";

/*
 * Each method of the store is one function, so a call is one round trip and one transaction. Each statement in a
 * function sees what was committed before the statement began: after the lock of a job's row, that is what the last
 * writer left.
 *
 * Each function returns one JSON text, which the type parsers of a client do not touch. Sets of fields and lists of
 * lines are passed as JSON whose values are JSON texts again, so no value is parsed on its way to its row.
 */

/**
 * `create_job` returns the job of a known key, or stores a new one, which may replace a tombstone. A job or tombstone
 * that has the epoch of the call was stored by an earlier try of it, whose answer was lost.
 */
export function createJobSql({ of }: PostgresNames): string {
  return `
create function ${of("create_job")}(
  p_id text, p_epoch text, p_key text, p_set json, p_attempt double precision, p_stale boolean, p_ends boolean,
  p_deadline_ms bigint, p_ttl_ms bigint, p_idle_ttl_ms bigint
) returns text language plpgsql as $body$
declare
  digest bytea := sha256(convert_to(p_key, 'UTF8'));
  known ${of("jobs")}%rowtype;
  now_ms bigint;
  ended bigint;
  deadline bigint;
begin
  loop
    select * into known from ${of("jobs")} where id = p_id and epoch = p_epoch;
    if not found and digest is not null then
      select * into known from ${of("jobs")} where key = digest;
    end if;
    if found then
      return json_build_object(
        'id', known.id, 'epoch', known.epoch, 'version', known.version, 'created', known.epoch = p_epoch
      )::text;
    end if;
    delete from ${of("jobs")} where id = p_id and removed;
    now_ms := ${of("now_ms")}();
    ended := case when p_ends then now_ms end;
    deadline := now_ms + p_deadline_ms;
    -- Waits for a transaction that is about to store the same id or key, and then inserts nothing.
    insert into ${of("jobs")} (
      id, epoch, version, key, attempt, stale, lines, lost_lines, last_line_version,
      updated_at, written_at, lease_ms, deadline_at, ended_at, due_at
    ) values (
      p_id, p_epoch, 1, digest, p_attempt, p_stale, 0, 0, 0,
      now_ms, now_ms, 0, deadline, ended,
      ${of("due_at")}(ended, deadline, null, 0, p_stale, now_ms, p_ttl_ms, p_idle_ttl_ms)
    ) on conflict do nothing;
    exit when found;
    -- If the id was not taken, then the key was, and the next round finds its job.
    if exists (select from ${of("jobs")} where id = p_id and not removed)
      and (digest is null or not exists (select from ${of("jobs")} where key = digest)) then
      return '{"refused":"id-taken"}';
    end if;
  end loop;
  insert into ${of("fields")} (job_id, name, version, value)
    select p_id, each.key, 1, each.value from json_each_text(p_set) as each
    union all select p_id, 'createdAt', 1, now_ms::text
    union all select p_id, 'finishedAt', 1, now_ms::text where p_ends;
  if p_ends then
    perform ${of("close_steps")}(p_id, 1, now_ms);
  end if;
  return json_build_object('id', p_id, 'epoch', p_epoch, 'version', 1, 'created', true)::text;
end
$body$;
`;
}
