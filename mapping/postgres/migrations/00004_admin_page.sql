-- What the admin page stands on: its lists answer at once on a million rows, and
-- what a check found, what is planned and how the responders stand is kept.

-- +goose Up

CREATE INDEX pages_changed ON pages (changed_at, path);
CREATE INDEX pages_status ON pages (status, path);
CREATE INDEX pages_tags ON pages USING gin (tags) WHERE tags <> '{}';
CREATE INDEX changes_path ON changes (path, number);

-- Misses in the order of their list, and by directory of the first level.
ALTER TABLE misses ADD dir text COLLATE "C" NOT NULL GENERATED ALWAYS AS (COALESCE(substring(path, '^/[^/]*/'), '/')) STORED;
CREATE INDEX misses_listed ON misses ((NOT own), (-hits), path);

-- How many rows a change-set added, changed and removed; its changes' numbers follow
-- each other.
CREATE TABLE change_set_counts (
    change_set bigint PRIMARY KEY,
    first      bigint NOT NULL, -- number
    added      bigint NOT NULL,
    changed    bigint NOT NULL,
    removed    bigint NOT NULL
);
INSERT INTO change_set_counts
SELECT change_set, min(number), count(*) FILTER (WHERE old_status IS NULL),
    count(*) FILTER (WHERE old_status IS NOT NULL AND new_status IS NOT NULL), count(*) FILTER (WHERE new_status IS NULL)
FROM changes GROUP BY change_set;

-- +goose StatementBegin
CREATE FUNCTION changes_count() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO change_set_counts AS t
    SELECT change_set, min(number), count(*) FILTER (WHERE old_status IS NULL),
        count(*) FILTER (WHERE old_status IS NOT NULL AND new_status IS NOT NULL), count(*) FILTER (WHERE new_status IS NULL)
    FROM new_rows GROUP BY change_set
    ON CONFLICT (change_set) DO UPDATE
    SET first = least(t.first, excluded.first), added = t.added + excluded.added, changed = t.changed + excluded.changed, removed = t.removed + excluded.removed;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
REVOKE EXECUTE ON FUNCTION changes_count FROM PUBLIC;
CREATE TRIGGER count_changes AFTER INSERT ON changes REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION changes_count();

-- What the last check for each kind of fault found, and when that was.
CREATE TABLE checks (
    kind  text        PRIMARY KEY,
    at    timestamptz NOT NULL,
    found bigint      NOT NULL
);
CREATE TABLE findings (
    kind    text             NOT NULL,
    path    text COLLATE "C" NOT NULL, -- a row's, or a file's
    detail  text             NOT NULL,
    command text             NOT NULL,
    since   timestamptz      NOT NULL  -- of the first check in a row that found it
);
CREATE INDEX findings_kind ON findings (kind, path);
CREATE INDEX findings_path ON findings (path);

-- Changes to many rows that somebody has planned, to look at them first.
CREATE TABLE plans (
    id         uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    author     text        NOT NULL,
    made_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    wish       jsonb       NOT NULL,             -- what is to be done
    input      bytea       NOT NULL DEFAULT '',  -- the file, of an import
    state      text        NOT NULL DEFAULT 'planning' CHECK (state IN ('planning', 'planned', 'applying', 'applied', 'failed')),
    since      timestamptz NOT NULL DEFAULT clock_timestamp(), -- in that state
    outcome    jsonb,                            -- what would come of it, or came
    hash       text        NOT NULL DEFAULT ''   -- of the rows that it would write and those it would write over
);

-- How each responder stood, every ten seconds of the last hour.
CREATE TABLE responders (
    name     text             NOT NULL,
    at       timestamptz      NOT NULL,
    number   bigint           NOT NULL, -- of the last change that its table has
    rows     bigint           NOT NULL,
    requests double precision NOT NULL, -- in a second, since its report before
    cached   double precision,          -- share of the pages that it did not draw; NULL: it was asked for none
    PRIMARY KEY (name, at)
);
CREATE INDEX responders_at ON responders (at);

-- Hits of a day, of all rows together.
CREATE TABLE hits_days (
    day  date   PRIMARY KEY, -- UTC
    hits bigint NOT NULL
);
INSERT INTO hits_days SELECT day, sum(hits) FROM hits GROUP BY day;
