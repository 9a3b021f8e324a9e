-- All that the list of experiments says of their runs, in the order in which it is summed up: neither the runs themselves
-- are read nor anything sorted.
CREATE INDEX run_by_user ON run (experiment_id, user_id, deleted_ms, status, start_ms, end_ms);
