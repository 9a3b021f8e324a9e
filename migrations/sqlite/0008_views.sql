-- Places in the web pages that people keep: under a name, or as a short link.
CREATE TABLE saved_view (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    key           TEXT   NOT NULL UNIQUE,
    address       TEXT   NOT NULL,
    -- NULL for a short link.
    name          TEXT,
    -- Who sees this one sees the view.
    experiment_id BIGINT REFERENCES experiment (id) ON DELETE CASCADE,
    principal_id  BIGINT REFERENCES principal (id) ON DELETE SET NULL,
    created_ms    BIGINT NOT NULL
);
CREATE UNIQUE INDEX saved_view_by_name ON saved_view (coalesce(experiment_id, -1), name) WHERE name IS NOT NULL;
-- Those that go when there are too many.
CREATE INDEX saved_view_without_name ON saved_view (id) WHERE name IS NULL;
