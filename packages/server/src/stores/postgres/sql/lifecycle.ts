import type { PostgresNames } from "../names.js";

/*
 * The rules of shared/lifecycle.ts in SQL, in the database where the rows are. Each function names the one that it
 * mirrors: change that one first. `write_job` mirrors `checkWrite`, `holdAfter` and `leaseOf`,
 * `create_job` mirrors `timesAtCreation`, and `make_transition` mirrors `timesOfTransition`.
 */

/** The times of a row of jobs, and the TTLs, as parameters of the functions below. */
const TIMES = `ended_at bigint, deadline_at bigint, lease_until bigint, lease_ms bigint, stale boolean,
  written_at bigint, ttl_ms bigint, idle_ttl_ms bigint`;

/**
 * `due_at` mirrors `dueAt`, and `transition_at` mirrors `transitionOf`. A test compares them. `now_ms` is the clock of
 * the store.
 */
export function lifecycleSql({ of }: PostgresNames): string {
  return `
create function ${of("now_ms")}() returns bigint language sql volatile as $body$
  select floor(extract(epoch from clock_timestamp()) * 1000)::bigint
$body$;

create function ${of("due_at")}(${TIMES}) returns bigint language sql immutable as $body$
  select case
    when ended_at is not null then ended_at + ttl_ms
    else least(deadline_at, case
      when lease_until is null then written_at + idle_ttl_ms
      when stale then lease_until + lease_ms
      else lease_until
    end)
  end
$body$;

create function ${of("transition_at")}(now_ms bigint, ${TIMES}) returns text language sql immutable as $body$
  select case
    when ended_at is not null then case when ended_at + ttl_ms <= now_ms then 'expired' end
    when deadline_at <= now_ms then 'timed-out'
    when lease_until is null then case when written_at + idle_ttl_ms <= now_ms then 'expired' end
    when stale then case when lease_until + lease_ms <= now_ms then 'lost' end
    when lease_until <= now_ms then 'stale'
  end
$body$;
`;
}

/**
 * `close_steps` mirrors `closedSteps`: it closes the steps that an end leaves `running` (P47), at the version of the
 * end. It is called after the fields of the end were set.
 *
 * `closed_step` edits a step as text, because its other values must stay as they were written, and because a parse as
 * `json` would fail at `\u0000`. It splits the text into strings, brackets, and what is between them. Only the members
 * at depth 1 are members of the step itself, and only its last token, the closing bracket, has depth 0.
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
