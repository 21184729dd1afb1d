import type { PostgresNames } from "../names.js";

/**
 * `sweep_jobs` checks up to `p_batch` jobs whose `due_at` has come, skips those that another transaction has locked,
 * and makes the transition that is due for each, for `p_limit` of them. `p_fields` are the fields that each transition
 * sets. The jobs that it removes leave their lists together, at the end; see `touch_lists`.
 */
export function sweepJobsSql({ of }: PostgresNames): string {
  return `${makeTransitionSql(of)}
create or replace function ${of("sweep_jobs")}(
  p_now_ms bigint, p_limit bigint, p_batch bigint, p_ttl_ms bigint, p_idle_ttl_ms bigint,
  p_tombstone_ttl_ms bigint, p_fields json
) returns text language plpgsql as $body$
declare
  job ${of("jobs")}%rowtype;
  now_ms bigint := coalesce(p_now_ms, ${of("now_ms")}());
  transition text;
  seen bigint := 0;
  swept json[] := '{}';
  gone text[] := '{}';
  subjects text[];
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
    transition := ${of("transition_at")}(now_ms, ${timesOf("job")}, p_ttl_ms, p_idle_ttl_ms);
    if transition is null then
      update ${of("jobs")} set due_at = ${of("due_at")}(${timesOf("job")}, p_ttl_ms, p_idle_ttl_ms)
        where id = job.id;
      continue;
    end if;
    if transition = 'expired' then
      perform ${of("leave_tombstone")}(job.id, now_ms, p_tombstone_ttl_ms);
      gone := gone || job.id;
    else
      perform ${of("make_transition")}(
        job, transition, now_ms, p_ttl_ms, p_idle_ttl_ms, p_fields -> transition
      );
    end if;
    swept := swept || json_build_object(
      'id', job.id, 'transition', transition, 'epoch', job.epoch, 'version', job.version + 1
    );
  end loop;
  subjects := ${of("unlist_jobs")}(gone);
  perform ${of("forget")}(p_batch);
  return json_build_object(
    'swept', to_json(swept),
    'subjects', to_json(subjects),
    'done', seen < p_batch and cardinality(swept) < p_limit,
    'more', cardinality(swept) >= p_limit and exists (
      select from ${of("jobs")} j
      where j.due_at <= now_ms and not j.removed
        and ${of("due_at")}(${timesOf("j")}, p_ttl_ms, p_idle_ttl_ms) <= now_ms
    )
  )::text;
end
$body$;
`;
}

/** `make_transition` marks a job as stale, or ends it. The times mirror `timesOfTransition` of shared/lifecycle.ts. */
function makeTransitionSql(of: PostgresNames["of"]): string {
  return `
create or replace function ${of("make_transition")}(
  job ${of("jobs")}, transition text, now_ms bigint, ttl_ms bigint, idle_ttl_ms bigint, fields json
) returns void language plpgsql as $body$
begin
  job.version := job.version + 1;
  job.stale := transition = 'stale';
  if job.stale then
    job.lease_until := now_ms;
  else
    job.ended_at := now_ms;
    job.lease_until := null;
  end if;
  update ${of("jobs")} set
    version = job.version, stale = job.stale, updated_at = now_ms, written_at = now_ms,
    lease_until = job.lease_until, ended_at = job.ended_at,
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

/** The columns of a row that `due_at` and `transition_at` take, in the order of their parameters. */
function timesOf(row: string): string {
  return ["ended_at", "deadline_at", "lease_until", "lease_ms", "stale", "written_at"]
    .map((column) => `${row}.${column}`)
    .join(", ");
}
