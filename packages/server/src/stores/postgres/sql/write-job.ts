import type { PostgresNames } from "../names.js";

/** `write_job` writes one change under the lock of the job's row. */
export function writeJobSql({ of }: PostgresNames): string {
  return `
create function ${of("write_job")}(
  p_id text, p_set json, p_lines json, p_attempt double precision, p_next_attempt double precision, p_lease_ms bigint,
  p_stale boolean, p_ends boolean, p_max_lines bigint, p_ttl_ms bigint, p_idle_ttl_ms bigint
) returns text language plpgsql as $body$
declare
  job ${of("jobs")}%rowtype;
  now_ms bigint;
  due bigint;
  added bigint := coalesce(json_array_length(p_lines), 0);
  revives boolean;
  raises boolean;
begin
  select * into job from ${of("jobs")} where id = p_id for update;
  ${checkSql(of)}
  -- Read after the lock, or a writer that waited for it would set the time back.
  now_ms := ${of("now_ms")}();
  ${advanceSql(of)}
  update ${of("jobs")} set
    version = job.version, attempt = job.attempt, stale = job.stale,
    last_n = job.last_n, last_line_version = job.last_line_version,
    updated_at = job.updated_at, written_at = job.written_at,
    lease_ms = job.lease_ms, lease_until = job.lease_until, ended_at = job.ended_at, due_at = job.due_at
    where id = p_id;
  ${storeSql(of)}
  return json_build_object('epoch', job.epoch, 'version', job.version, 'raised', raises)::text;
end
$body$;
`;
}

/** Refuses the write. From the end of the job on, it mirrors `checkWrite` of shared/lifecycle.ts. */
function checkSql(of: PostgresNames["of"]): string {
  return `if not found then
    return '{"refused":"job-not-found"}';
  elsif job.removed then
    return '{"refused":"job-expired"}';
  elsif job.ended_at is not null then
    return json_build_object('refused', 'job-finished', 'status', (
      select value from ${of("fields")} where job_id = p_id and name = 'status'
    ))::text;
  elsif p_next_attempt <= job.attempt or (p_next_attempt is null and p_attempt < job.attempt) then
    return json_build_object('refused', 'attempt-superseded', 'current', job.attempt)::text;
  end if;`;
}

/** Computes the row after the write. The lease mirrors `leaseOf` of shared/lifecycle.ts. */
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
    job.last_n := job.last_n + added;
    job.last_line_version := job.version;
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
    perform ${of("close_steps")}(p_id, job.version, now_ms);
  end if;
  if added > 0 then
    insert into ${of("lines")} (job_id, n, version, line)
      select p_id, job.last_n - added + each.ordinal, job.version, each.line
      from json_array_elements_text(p_lines) with ordinality as each (line, ordinal)
      where each.ordinal > added - p_max_lines;
    delete from ${of("lines")} where job_id = p_id and n <= job.last_n - p_max_lines;
  end if;`;
}

/** Sets the fields of a JSON object at the version of the write. */
function setFields(fields: string, set: string): string {
  return `insert into ${fields} as f (job_id, name, version, value)
    select p_id, each.key, job.version, each.value from json_each_text(${set}) as each
    on conflict (job_id, name) do update set version = excluded.version, value = excluded.value;`;
}
