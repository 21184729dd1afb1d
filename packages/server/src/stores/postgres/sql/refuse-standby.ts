/**
 * Refuses a read on a standby, as that refuses a write itself: its data lag, and a reader would be told an earlier
 * state again.
 */
export function refuseStandby(data: string): string {
  return `if pg_is_in_recovery() then
    raise read_only_sql_transaction using message = 'cannot read ${data} during recovery';
  end if;`;
}
