import type { PostgresNames } from "../names.js";

/** `write_job` writes one change under the lock of the job's row. */
export function writeJobSql({ of }: PostgresNames): string {
  return `
create function ${of("write_job")}(
  p_id text, p_set json, p_lines json, p_lost_lines bigint, p_next_attempt double precision, p_lease_ms bigint,
  p_stale boolean, p_ends boolean, p_sets_progress boolean, p_token text, p_count bigint, p_seen_epoch text,
  p_seen_version bigint, p_take_over boolean, p_max_lines bigint, p_ttl_ms bigint, p_idle_ttl_ms bigint
) returns text language plpgsql as $body$
declare
  job ${of("jobs")}%rowtype;
  now_ms bigint;
  due bigint;
  added bigint := coalesce(json_array_length(p_lines), 0);
  is_leased boolean;
  revives boolean;
  raises boolean;
begin
  select * into job from ${of("jobs")} where id = p_id for update;
  -- Read after the lock, or a writer that waited for it would set the time back.
  now_ms := ${of("now_ms")}();
  ${checkSql(of)}
  ${advanceSql(of)}
  update ${of("jobs")} set
    version = job.version, attempt = job.attempt, stale = job.stale,
    hold_token = job.hold_token, hold_count = job.hold_count, hold_since = job.hold_since,
    lines = job.lines, lost_lines = job.lost_lines, last_line_version = job.last_line_version,
    updated_at = job.updated_at, written_at = job.written_at,
    lease_ms = job.lease_ms, lease_until = job.lease_until, ended_at = job.ended_at, due_at = job.due_at
    where id = p_id;
  ${storeSql(of)}
  return ${answerSql("raises")};
end
$body$;
`;
}

/** The answer to a write that was accepted. */
function answerSql(raised: string): string {
  return `json_build_object(
    'epoch', job.epoch, 'version', job.version, 'now', now_ms, 'raised', ${raised}
  )::text`;
}

/**
 * Accepts or refuses the write. From the repeated write on, it mirrors `checkWrite` of shared/lifecycle.ts. The hold is
 * `p_token` and `p_count`, which are null without one. A write that opens the job has `p_take_over`, and the cursor
 * that it has seen.
 */
function checkSql(of: PostgresNames["of"]): string {
  return `if job.id is null then
    return '{"refused":"job-not-found"}';
  elsif job.removed then
    return '{"refused":"job-expired"}';
  elsif p_token = job.hold_token and p_count <= job.hold_count then
    return ${answerSql("false")};
  elsif job.ended_at is not null then
    return json_build_object('refused', 'job-finished', 'status', (
      select value from ${of("fields")} where job_id = p_id and name = 'status'
    ))::text;
  elsif p_next_attempt <= job.attempt then
    return json_build_object('refused', 'attempt-superseded', 'current', job.attempt)::text;
  end if;
  is_leased := coalesce(job.lease_until > now_ms, false);
  if p_token is null then
    if is_leased and p_sets_progress then
      return '{"refused":"job-held"}';
    end if;
  elsif p_take_over is null then
    if p_token is distinct from job.hold_token then
      return '{"refused":"hold-lost"}';
    end if;
  elsif p_seen_epoch is distinct from job.epoch or (job.hold_token is not null and (
    job.hold_since > p_seen_version or (is_leased and not p_take_over and p_next_attempt is null)
  )) then
    return '{"refused":"job-held"}';
  end if;`;
}

/** Computes the row after the write. The lease mirrors `leaseOf` and the hold `holdAfter` of shared/lifecycle.ts. */
function advanceSql(of: PostgresNames["of"]): string {
  return `revives := p_lease_ms is not null and job.stale;
  job.stale := case when revives then false else coalesce(p_stale, job.stale) end;
  job.attempt := coalesce(p_next_attempt, job.attempt);
  job.written_at := now_ms;
  if p_lease_ms is not null then
    job.lease_ms := p_lease_ms;
    job.lease_until := case when p_lease_ms > 0 then now_ms + p_lease_ms end;
  end if;
  if p_ends then
    job.ended_at := now_ms;
    job.lease_until := null;
  end if;
  raises := p_set is not null or added > 0 or revives;
  if raises then
    job.version := job.version + 1;
    job.updated_at := now_ms;
  end if;
  if added > 0 then
    job.lines := job.lines + added;
    job.lost_lines := job.lost_lines + p_lost_lines;
    job.last_line_version := job.version;
  end if;
  if p_token is not null then
    if p_take_over is not null then
      job.hold_since := job.version;
    end if;
    job.hold_token := p_token;
    job.hold_count := p_count;
  end if;
  due := ${of("due_at")}(
    job.ended_at, job.deadline_at, job.lease_until, job.lease_ms, job.stale, job.written_at, p_ttl_ms, p_idle_ttl_ms
  );
  if p_ends or due < job.due_at then
    job.due_at := due;
  end if;`;
}

/** Stores the fields and the lines. */
function storeSql(of: PostgresNames["of"]): string {
  return `if p_set is not null then
    ${setFields(of("fields"), "p_set")}
  end if;
  if revives then
    ${setFields(of("fields"), `'{"stale":"false"}'`)}
  end if;
  if p_ends then
    ${setFields(of("fields"), "json_build_object('finishedAt', now_ms::text)")}
    perform ${of("close_steps")}(p_id, job.version, now_ms);
  end if;
  if added > 0 then
    insert into ${of("lines")} (job_id, ordinal, n, version, line)
      select p_id, job.lines - added + each.ordinal, job.lost_lines + job.lines - added + each.ordinal, job.version,
        each.line
      from json_array_elements_text(p_lines) with ordinality as each (line, ordinal)
      where each.ordinal > added - p_max_lines;
    delete from ${of("lines")} where job_id = p_id and ordinal <= job.lines - p_max_lines;
  end if;`;
}

/** Sets the fields of a JSON object at the version of the write. */
function setFields(fields: string, set: string): string {
  return `insert into ${fields} as f (job_id, name, version, value)
    select p_id, each.key, job.version, each.value from json_each_text(${set}) as each
    on conflict (job_id, name) do update set version = excluded.version, value = excluded.value;`;
}
