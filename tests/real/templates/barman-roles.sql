SELECT 'CREATE ROLE barman' WHERE to_regrole('barman') IS NULL \gexec
ALTER ROLE barman LOGIN PASSWORD 'secret-of-barman';
GRANT pg_read_all_settings, pg_read_all_stats, pg_checkpoint TO barman;
GRANT EXECUTE ON FUNCTION
  pg_backup_start(text, boolean),
  pg_backup_stop(boolean),
  pg_switch_wal(),
  pg_create_restore_point(text)
TO barman;
SELECT 'CREATE ROLE streaming_barman' WHERE to_regrole('streaming_barman') IS NULL \gexec
ALTER ROLE streaming_barman LOGIN REPLICATION PASSWORD 'secret-of-streaming-barman';
