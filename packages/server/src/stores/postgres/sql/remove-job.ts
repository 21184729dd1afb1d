import type { PostgresNames } from "../names.js";

/**
 * `remove_listed_job` removes a job, whatever its state, and returns its subjects; null if there was no such job.
 * `leave_tombstone` is the removal itself, which a sweep calls too: the tombstone keeps the id only, and none with
 * `tombstone_ttl_ms` 0. The first version of the library calls `remove_job`.
 */
export function removeJobSql({ of }: PostgresNames): string {
  return `
create or replace function ${of("leave_tombstone")}(p_id text, now_ms bigint, tombstone_ttl_ms bigint)
returns void language plpgsql as $body$
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

create function ${of("remove_listed_job")}(p_id text, p_tombstone_ttl_ms bigint)
returns text language plpgsql as $body$
begin
  perform from ${of("jobs")} where id = p_id and not removed for update;
  if not found then
    return null;
  end if;
  perform ${of("leave_tombstone")}(p_id, ${of("now_ms")}(), p_tombstone_ttl_ms);
  return to_json(${of("unlist_jobs")}(array[p_id]))::text;
end
$body$;

create or replace function ${of("remove_job")}(p_id text, p_tombstone_ttl_ms bigint)
returns text language plpgsql as $body$
begin
  return (${of("remove_listed_job")}(p_id, p_tombstone_ttl_ms) is not null)::text;
end
$body$;
`;
}
