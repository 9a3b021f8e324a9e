-- Who may do what. Nobody is known at first: while there is no account, the server is open.

-- Whatever has roles: accounts of people and of services, groups of the system's users, and two classes of callers.
-- kind: 0 class, 1 person, 2 service, 3 group. Numbers are never used again: tokens name them.
CREATE TABLE principal (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT    NOT NULL UNIQUE,
    kind          BIGINT  NOT NULL,
    display_name  TEXT    NOT NULL,
    email         TEXT    NOT NULL,
    -- In PHC form; NULL for an account that signs in without one.
    password_hash TEXT,
    -- The role in all namespaces: 1 reader, 2 editor, 3 manager, 4 admin.
    site_role     BIGINT,
    created_ms    BIGINT  NOT NULL
);
INSERT INTO principal (id, name, kind, display_name, email, created_ms) VALUES
    (1, 'anyone', 0, 'who did not sign in', '', 0),
    (2, 'everyone', 0, 'who signed in', '', 0);

-- namespace_id is an experiment. It is named as no column of the queries around it is, or theirs would mean this one.
CREATE TABLE namespace_role (
    namespace_id  BIGINT NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
    principal_id  BIGINT NOT NULL REFERENCES principal (id) ON DELETE CASCADE,
    role          BIGINT NOT NULL,
    PRIMARY KEY (namespace_id, principal_id)
) WITHOUT ROWID;
CREATE INDEX namespace_role_by_principal ON namespace_role (principal_id, namespace_id);

-- What stands for an account. Only the SHA-256 of its text is kept: the text has 256 random bits.
-- kind: 1 of the API, 2 of Anemoi's login. at_most: the greatest role that it allows.
CREATE TABLE token (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    principal_id  BIGINT NOT NULL REFERENCES principal (id) ON DELETE CASCADE,
    kind          BIGINT NOT NULL,
    name          TEXT   NOT NULL,
    hash          BLOB NOT NULL UNIQUE,
    at_most       BIGINT NOT NULL,
    experiment_id BIGINT REFERENCES experiment (id) ON DELETE CASCADE,
    created_ms    BIGINT NOT NULL,
    expires_ms    BIGINT,
    last_used_ms  BIGINT
);
CREATE INDEX token_by_principal ON token (principal_id);

-- Browsers that signed in. Only the SHA-256 of the cookie is kept.
CREATE TABLE session (
    hash         BLOB PRIMARY KEY,
    principal_id BIGINT NOT NULL REFERENCES principal (id) ON DELETE CASCADE,
    expires_ms   BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX session_by_principal ON session (principal_id, expires_ms);

-- Keys that all servers of this database share.
CREATE TABLE secret (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

-- The order in which experiments are listed, so that a page of ten thousand is found without sorting them.
CREATE INDEX experiment_by_creation ON experiment (created_ms DESC, id);
