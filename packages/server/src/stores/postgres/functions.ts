import type { PostgresNames } from "./schema.js";

/*
 * Each verb is one function, so that a call is one round trip and one transaction. Within a function each statement sees what was committed before it
 * began: what is looked at after the lock of a job's row is what the last writer left. Each answers with one JSON text, which no client's type
 * parsers touch. Sets of fields and lists of lines come as JSON whose values are JSON texts once more: so no value is parsed on its way to its row.
 */

/** Puts the fields of `p_set` at a version. */
function putFields(fields: string, set: string, version: string): string {
  return `insert into ${fields} as f (job_id, name, version, value)
    select p_id, each.key, ${version}, each.value from json_each_text(${set}) as each
    on conflict (job_id, name) do update set version = excluded.version, value = excluded.value;`;
}

/** `create_job`: the job of a known key, or a new one; a tombstone makes room. */
export function createSql({ of }: PostgresNames): string {
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
    if digest is not null then
      select * into known from ${of("jobs")} where key = digest;
      if found then
        return json_build_object('id', known.id, 'epoch', known.epoch, 'version', known.version, 'created', false)::text;
      end if;
    end if;
    delete from ${of("jobs")} where id = p_id and removed;
    now_ms := ${of("now_ms")}();
    ended := case when p_ends then now_ms end;
    deadline := now_ms + p_deadline_ms;
    -- Waits for another that is about to store the same id or key, and then does nothing.
    insert into ${of("jobs")} (
      id, epoch, version, key, attempt, stale, last_n, last_line_version, updated_at, written_at, lease_ms, deadline_at, ended_at, due_at
    ) values (
      p_id, p_epoch, 1, digest, p_attempt, p_stale, 0, 0, now_ms, now_ms, 0, deadline, ended,
      ${of("due_at")}(ended, deadline, null, 0, p_stale, now_ms, p_ttl_ms, p_idle_ttl_ms)
    ) on conflict do nothing;
    exit when found;
    -- If it wasn't the id, then it was the key, whose job the next round finds.
    if exists (select from ${of("jobs")} where id = p_id and not removed)
      and (digest is null or not exists (select from ${of("jobs")} where key = digest)) then
      return '{"refused":"id-taken"}';
    end if;
  end loop;
  insert into ${of("fields")} (job_id, name, version, value)
    select p_id, each.key, 1, each.value from json_each_text(p_set) as each
    union all select p_id, 'createdAt', 1, now_ms::text;
  if p_ends then
    perform ${of("close_steps")}(p_id, 1, now_ms);
  end if;
  return json_build_object('id', p_id, 'epoch', p_epoch, 'version', 1, 'created', true)::text;
end
$body$;
`;
}

/** `write_job`: one change under the lock of the job's row. */
export function writeSql({ of }: PostgresNames): string {
  return `
create function ${of("write_job")}(
  p_id text, p_set json, p_lines json, p_attempt double precision, p_next_attempt double precision, p_lease_ms bigint, p_stale boolean,
  p_ends boolean, p_max_lines bigint, p_ttl_ms bigint, p_idle_ttl_ms bigint
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
  if not found then
    return '{"refused":"job-not-found"}';
  elsif job.removed then
    return '{"refused":"job-expired"}';
  elsif job.ended_at is not null then
    return json_build_object('refused', 'job-finished', 'status', (
      select value from ${of("fields")} where job_id = p_id and name = 'status'
    ))::text;
  elsif p_next_attempt <= job.attempt or (p_next_attempt is null and p_attempt < job.attempt) then
    return json_build_object('refused', 'attempt-superseded', 'current', job.attempt)::text;
  end if;

  -- After the lock, or a writer that waited for it would turn back the time.
  now_ms := ${of("now_ms")}();
  revives := p_lease_ms is not null and job.stale;
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
  end if;
  update ${of("jobs")} set
    version = job.version, attempt = job.attempt, stale = job.stale, last_n = job.last_n, last_line_version = job.last_line_version,
    updated_at = job.updated_at, written_at = job.written_at, lease_ms = job.lease_ms, lease_until = job.lease_until,
    ended_at = job.ended_at, due_at = job.due_at
    where id = p_id;

  if p_set is not null then
    ${putFields(of("fields"), "p_set", "job.version")}
  end if;
  if revives then
    ${putFields(of("fields"), `'{"stale":"false"}'`, "job.version")}
  end if;
  if p_ends then
    perform ${of("close_steps")}(p_id, job.version, now_ms);
  end if;
  if added > 0 then
    insert into ${of("lines")} (job_id, n, version, line)
      select p_id, job.last_n - added + each.place, job.version, each.line
      from json_array_elements_text(p_lines) with ordinality as each (line, place)
      where each.place > added - p_max_lines;
    delete from ${of("lines")} where job_id = p_id and n <= job.last_n - p_max_lines;
  end if;
  return json_build_object('epoch', job.epoch, 'version', job.version, 'raised', raises)::text;
end
$body$;
`;
}

/** `read_job`: what changed after a cursor. Stable: all of it is seen at the moment at which the call began. */
export function readSql({ of }: PostgresNames): string {
  return `
create function ${of("read_job")}(p_id text, p_epoch text, p_version bigint, p_max_lines bigint)
returns text language plpgsql stable as $body$
begin
  return (
    select case when j.removed then '{"removed":true}' else
      '{"epoch":' || to_json(j.epoch)::text || ',"version":' || j.version || ',"reset":' || c.reset || ',"set":{' ||
      case when j.version > c.version then
        coalesce((
          select string_agg(to_json(f.name)::text || ':' || f.value, ',') || ','
          from ${of("fields")} f where f.job_id = j.id and f.version > c.version
        ), '') || '"updatedAt":' || j.updated_at
      else '' end || '},"lines":[' ||
      case when j.last_line_version > c.version then
        coalesce((
          select string_agg('[' || l.n || ',' || l.version || ',' || l.line || ']', ',' order by l.n)
          from ${of("lines")} l where l.job_id = j.id and l.n > j.last_n - p_max_lines and l.version > c.version
        ), '')
      else '' end || '],"done":' || (j.ended_at is not null) || '}'
    end
    from ${of("jobs")} j
    cross join lateral (select p_epoch is distinct from j.epoch or p_version > j.version as reset) r
    cross join lateral (select r.reset, case when r.reset then 0 else p_version end as version) c
    where j.id = p_id
  );
end
$body$;
`;
}

/**
 * `close_steps`: closes the steps that an end leaves `running` (P47), by the rule `closedSteps` of shared/lifecycle.ts. It is called
 * after the fields of the end were set, at their version.
 *
 * `closed_step` edits the text of a step: parsing it as `json` fails at `\u0000`, and its other values must come back as they were.
 * It splits the text into strings, brackets and what is between them. Only members at depth 1 belong to the step itself.
 */
export function closeStepsSql({ of }: PostgresNames): string {
  return `
create function ${of("closed_step")}(p_step text, p_status text, p_finished_at bigint)
returns text language sql immutable as $body$
  select case when bool_or(is_running) then string_agg(
    case
      when is_running then '"status":"' || p_status || '"'
      when depth = 1 and token like '%"finishedAt":%' then ''
      when depth = 0 then ',"finishedAt":' || p_finished_at || '}'
      else token
    end, '' order by n
  ) else p_step end
  from (
    select n, token, depth, depth = 1 and token = '"status":"running"' as is_running
    from (
      select n, each[1] as token, sum(
        case when each[1] in ('{', '[') then 1 when each[1] in ('}', ']') then -1 else 0 end
      ) over (order by n) as depth
      from regexp_matches(
        p_step,
        '"status":"running"' ||
        '|,"finishedAt":(?:[0-9.eE+-]+|null)|"finishedAt":(?:[0-9.eE+-]+|null),' ||
        '|"(?:[^"\\\\]|\\\\.)*"|[][{}]|,|[^][{}",]+',
        'g'
      ) with ordinality as tokens (each, n)
    ) as nested
  ) as members
$body$;

create function ${of("close_steps")}(p_id text, p_version bigint, p_finished_at bigint)
returns void language sql as $body$
  update ${of("fields")} f set version = p_version, value = closed.value
  from (
    select s.name, ${of("closed_step")}(
      s.value, case j.value when '"completed"' then 'completed' else 'failed' end, p_finished_at
    ) as value
    from ${of("fields")} s join ${of("fields")} j on j.job_id = s.job_id and j.name = 'status'
    where s.job_id = p_id and s.name like 'steps.%' and s.value like '%"status":"running"%'
  ) as closed
  where f.job_id = p_id and f.name = closed.name and f.value <> closed.value
$body$;
`;
}

/**
 * `sweep_jobs`: looks at up to `p_batch` of the jobs whose `due_at` has come, passing over those that another holds, and does to each what is due,
 * to `p_limit` of them. `p_fields` are the fields to set, by fate.
 */
export function sweepSql({ of }: PostgresNames): string {
  const times = (row: string): string =>
    ["ended_at", "deadline_at", "lease_until", "lease_ms", "stale", "written_at"]
      .map((name) => `${row}.${name}`)
      .join(", ");
  return `
create function ${of("sweep_jobs")}(
  p_now_ms bigint, p_limit bigint, p_batch bigint, p_ttl_ms bigint, p_idle_ttl_ms bigint, p_tombstone_ttl_ms bigint, p_fields json
) returns text language plpgsql as $body$
declare
  job ${of("jobs")}%rowtype;
  now_ms bigint := coalesce(p_now_ms, ${of("now_ms")}());
  fate text;
  seen bigint := 0;
  swept json[] := '{}';
begin
  for job in
    select * from ${of("jobs")} where due_at <= now_ms order by due_at limit p_batch for update skip locked
  loop
    exit when cardinality(swept) >= p_limit;
    seen := seen + 1;
    if job.removed then
      delete from ${of("jobs")} where id = job.id;
      continue;
    end if;
    fate := ${of("fate_at")}(now_ms, ${times("job")}, p_ttl_ms, p_idle_ttl_ms);
    if fate is null then
      update ${of("jobs")} set due_at = ${of("due_at")}(${times("job")}, p_ttl_ms, p_idle_ttl_ms) where id = job.id;
      continue;
    end if;
    if fate = 'expired' then
      perform ${of("leave_tombstone")}(job.id, now_ms, p_tombstone_ttl_ms);
    else
      perform ${of("end_job")}(job, fate, now_ms, p_ttl_ms, p_idle_ttl_ms, p_fields -> fate);
    end if;
    swept := swept || json_build_object('id', job.id, 'fate', fate, 'epoch', job.epoch, 'version', job.version + 1);
  end loop;
  return json_build_object(
    'swept', to_json(swept),
    'done', seen < p_batch and cardinality(swept) < p_limit,
    'more', cardinality(swept) >= p_limit and exists (
      select from ${of("jobs")} j
      where j.due_at <= now_ms and not j.removed and ${of("due_at")}(${times("j")}, p_ttl_ms, p_idle_ttl_ms) <= now_ms
    )
  )::text;
end
$body$;

create function ${of("end_job")}(
  job ${of("jobs")}, fate text, now_ms bigint, ttl_ms bigint, idle_ttl_ms bigint, fields json
) returns void language plpgsql as $body$
begin
  job.version := job.version + 1;
  job.stale := fate = 'stale';
  if not job.stale then
    job.ended_at := now_ms;
    job.lease_until := null;
  end if;
  update ${of("jobs")} set
    version = job.version, stale = job.stale, updated_at = now_ms, written_at = now_ms, lease_until = job.lease_until, ended_at = job.ended_at,
    due_at = ${of("due_at")}(
      job.ended_at, job.deadline_at, job.lease_until, job.lease_ms, job.stale, now_ms, ttl_ms, idle_ttl_ms
    )
    where id = job.id;
  insert into ${of("fields")} (job_id, name, version, value)
    select job.id, each.key, job.version, case when each.key = 'finishedAt' then now_ms::text else each.value end
    from json_each_text(fields) as each
    on conflict (job_id, name) do update set version = excluded.version, value = excluded.value;
  if not job.stale then
    perform ${of("close_steps")}(job.id, job.version, now_ms);
  end if;
end
$body$;
`;
}

/** `remove_job`: removes a job now, whatever its state, and answers whether there was one. */
export function removeSql({ of }: PostgresNames): string {
  return `
create function ${of("remove_job")}(p_id text, p_tombstone_ttl_ms bigint) returns text language plpgsql as $body$
begin
  perform from ${of("jobs")} where id = p_id and not removed for update;
  if not found then
    return 'false';
  end if;
  perform ${of("leave_tombstone")}(p_id, ${of("now_ms")}(), p_tombstone_ttl_ms);
  return 'true';
end
$body$;

create function ${of("leave_tombstone")}(p_id text, now_ms bigint, tombstone_ttl_ms bigint) returns void language plpgsql as $body$
begin
  if tombstone_ttl_ms > 0 then
    update ${of("jobs")} set removed = true, key = null, due_at = now_ms + tombstone_ttl_ms where id = p_id;
  else
    delete from ${of("jobs")} where id = p_id;
  end if;
  delete from ${of("fields")} where job_id = p_id;
  delete from ${of("lines")} where job_id = p_id;
end
$body$;
`;
}
