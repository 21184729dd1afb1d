import type { PostgresNames } from "../names.js";
import { refuseStandby } from "./refuse-standby.js";

/** Rows of `list_versions` per list: more than the sessions that create jobs of one subject at the same moment. */
const SHARDS = 16;

/**
 * `touch_lists` records that the membership of lists has changed. A transaction calls it once, as its last step: then
 * it waits for no lock of another kind, and takes those of the lists in the order of their subjects. So transactions
 * that change the same lists can't block each other in a circle, and no lock is held for longer than the commit takes.
 *
 * `unlist_jobs` takes jobs, whose rows the transaction has locked, out of their lists, and returns the subjects.
 */
export function touchListsSql({ of }: PostgresNames): string {
  return `
create function ${of("touch_lists")}(p_subjects text[]) returns void language plpgsql as $body$
begin
  insert into ${of("list_versions")} as l (subject, shard, version)
    select distinct each.subject collate "C", pg_backend_pid() % ${SHARDS}, ${of("now_ms")}()
    from unnest(p_subjects) as each (subject) order by 1
    on conflict (subject, shard) do update set version = greatest(l.version + 1, excluded.version);
end
$body$;

create function ${of("unlist_jobs")}(p_ids text[]) returns text[] language plpgsql as $body$
declare
  subjects text[];
begin
  with gone as (delete from ${of("listed_jobs")} where job_id = any(p_ids) returning subject)
    select coalesce(array_agg(distinct subject), '{}') into subjects from gone;
  perform ${of("touch_lists")}(subjects);
  return subjects;
end
$body$;
`;
}

/**
 * `create_job` with subjects. The job's row is locked, so that a repeated call does not list a job that is being
 * removed. A repeated call finds the job listed, and a call whose key was known finds no job of its epoch.
 *
 * The place is within the millisecond of `createdAt`. Therefore lists are in the order of `createdAt`, and jobs that
 * one process creates one after the other are in the order of their creation.
 */
export function createListedJobSql({ of }: PostgresNames): string {
  return `
create function ${of("create_job")}(
  p_id text, p_epoch text, p_key text, p_set json, p_attempt double precision, p_stale boolean, p_ends boolean,
  p_deadline_ms bigint, p_ttl_ms bigint, p_idle_ttl_ms bigint, p_subjects json
) returns text language plpgsql as $body$
declare
  answer text := ${of("create_job")}(
    p_id, p_epoch, p_key, p_set, p_attempt, p_stale, p_ends, p_deadline_ms, p_ttl_ms, p_idle_ttl_ms
  );
  subjects text[];
  created_at bigint;
begin
  if p_subjects is null then
    return answer;
  end if;
  select updated_at into created_at from ${of("jobs")} where id = p_id and epoch = p_epoch and not removed for update;
  if not found then
    return answer;
  end if;
  subjects := array(select json_array_elements_text(p_subjects));
  insert into ${of("listed_jobs")} (subject, place, job_id)
    select each.subject, least(
      1000 * created_at + 999, floor(extract(epoch from clock_timestamp()) * 1000000)::bigint
    ), p_id
    from unnest(subjects) as each (subject)
    on conflict (job_id, subject) do nothing;
  if found then
    perform ${of("touch_lists")}(subjects);
  end if;
  return answer;
end
$body$;
`;
}

/**
 * `list_jobs` returns the places and ids of the jobs of a subject that follow a place and an id, and one more than the
 * limit if there is one.
 *
 * A row never changes, so a job that was listed before the first page was asked for, and stays, is on exactly one page:
 * each page is a range of places, and the ranges do not overlap and leave no gap. A creation that is committed later
 * may have a place that earlier pages have passed. It was not there when the first page was asked for, and the next
 * reading from the first page finds it.
 */
export function listJobsSql({ of }: PostgresNames): string {
  return `
create function ${of("list_jobs")}(p_subject text, p_limit bigint, p_place bigint, p_id text)
returns text language plpgsql stable as $body$
begin
  ${refuseStandby("lists")}
  return (
    select json_agg(json_build_array(page.place, page.job_id))::text from (
      select place, job_id from ${of("listed_jobs")}
        where subject = p_subject and (place, job_id) < (p_place, p_id)
        order by place desc, job_id desc limit p_limit + 1
    ) as page
  );
end
$body$;
`;
}
