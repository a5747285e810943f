-- The page table, its log, and the triggers that keep the two together.
-- Everything is made in the current schema and works whatever the search path.

-- +goose Up

-- state has one row: what the log has come to. Whoever changes pages holds a
-- lock on it until the commit, so changes commit in the order of their numbers.
CREATE TABLE state (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    identity uuid    NOT NULL DEFAULT gen_random_uuid(),
    last     bigint  NOT NULL DEFAULT 0 CHECK (last >= 0), -- number of the last change
    pages    bigint  NOT NULL DEFAULT 0 CHECK (pages >= 0) -- rows of pages
);
INSERT INTO state DEFAULT VALUES;

-- change_number counts within one statement. Each statement sets it from state
-- first: a sequence does not roll back, the numbers of changes do.
CREATE SEQUENCE change_number;

CREATE TABLE pages (
    path       text COLLATE "C" PRIMARY KEY,
    status     smallint         NOT NULL,
    source     text COLLATE "C" NOT NULL DEFAULT '',
    drop_query boolean          NOT NULL DEFAULT false,
    origin     text COLLATE "C" NOT NULL DEFAULT 'cli',
    tags       text[]           NOT NULL DEFAULT '{}',
    note       text             NOT NULL DEFAULT '',
    change     bigint           NOT NULL, -- number of the change that wrote the row, and
    changed_at timestamptz      NOT NULL, -- its time: set by the trigger, whatever a statement says

    -- Each cheap test spares the regular expression behind it for nearly every row.
    CONSTRAINT path_is_canonical CHECK (path LIKE '/%' AND path !~ '[^A-Za-z0-9._~!$&''()+,;=:@/?*%-]'
        AND (path NOT LIKE '%?%' OR path ~ '^[^?]*[?][^?*]+$')
        AND (path NOT LIKE '%\%%'
            OR split_part(path, '?', 1) !~ '%(?!2[0235AF]|3[CEF]|5[B-E]|60|7[B-D]|[89A-F][0-9A-F])'
            AND split_part(path, '?', 2) !~ '%(?![0-9A-F]{2})')),
    CONSTRAINT path_has_star_as_last_segment_only CHECK (path NOT LIKE '%*%' OR path ~ '^[^*?]*/[*]$'),
    CONSTRAINT path_has_no_empty_or_dot_segment CHECK (path NOT LIKE '%//%' AND path NOT LIKE '%/.%'
        OR split_part(path, '?', 1) !~ '//|/[.][.]?(/|$)'),
    CONSTRAINT path_is_short CHECK (octet_length(split_part(path, '?', 1)) <= 2048 AND octet_length(path) <= 2600),
    CONSTRAINT status_is_known CHECK (status IN (200, 301, 302, 404, 410)),
    CONSTRAINT source_fits_status CHECK (CASE status
        WHEN 200 THEN source LIKE 'file:/%' OR source ~ '^wiki:[^ ]'
        WHEN 404 THEN source = ''
        WHEN 410 THEN source ~ '^(https?://|/|$)'
        ELSE source ~ '^(https?://|/)'
    END),
    CONSTRAINT source_is_short CHECK (octet_length(source) <= 4096),
    CONSTRAINT source_keeps_rest_of_prefix_only CHECK (source NOT LIKE '%/*' OR (path LIKE '%/*' AND status <> 410)),
    CONSTRAINT file_is_canonical CHECK (source NOT LIKE 'file:%' OR source = 'file:' || path AND path NOT LIKE '%?%'
        OR source !~ '[^A-Za-z0-9._~!$&''()+,;=:@/*%-]'
            AND source !~ '%(?!2[0235A]|3[CEF]|5[B-E]|60|7[B-D]|[89A-F][0-9A-F])'
            AND source !~ '//|/[.][.]?(/|$)'
            AND (source NOT LIKE '%*%' OR source ~ '^[^*]*/[*]$')),
    CONSTRAINT wiki_has_no_control_character CHECK (source NOT LIKE 'wiki:%' OR source !~ '[\x01-\x1f\x7f]'),
    -- Printable ASCII without a backslash; on another host, without user-info.
    CONSTRAINT target_is_safe CHECK (status = 200 OR source = '' OR
        source ~ '^(https?://[^/?#@\\]+([/?#]|$)|/([^/\\]|$))' AND source !~ '[^!-~]|\\'),
    CONSTRAINT target_is_elsewhere CHECK (status NOT IN (301, 302) OR source <> path
        AND (path NOT LIKE '%/*' OR NOT starts_with(regexp_replace(source, '[?#].*', '') || '/', left(path, -1)))),
    CONSTRAINT drop_query_needs_redirect CHECK (NOT drop_query OR status IN (301, 302)),
    CONSTRAINT origin_is_known CHECK (origin IN ('auto', 'populate', 'import', 'admin', 'cli')),
    CONSTRAINT tree_row_is_file CHECK (origin NOT IN ('auto', 'populate') OR (status = 200 AND source LIKE 'file:%')),
    CONSTRAINT tags_are_words CHECK (tags = '{}' OR (array_ndims(tags) = 1 AND array_position(tags, NULL) IS NULL
        AND array_position(tags, '') IS NULL AND array_to_string(tags, '') !~ '[\x01-\x1f\x7f]'))
);

-- By it the writers' check of loops finds the redirects that lead below a path.
-- An entry of an index has less room than a source.
CREATE INDEX pages_target ON pages (left(source, 256)) WHERE status IN (301, 302);

CREATE TABLE change_sets (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    author text        NOT NULL,
    origin text        NOT NULL,
    note   text        NOT NULL DEFAULT '',
    at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    token  uuid        NOT NULL DEFAULT gen_random_uuid(),
    CONSTRAINT origin_is_known CHECK (origin IN ('auto', 'populate', 'import', 'admin', 'cli'))
);

-- One row per row added (all old_ columns NULL), changed or removed (all new_ columns NULL).
CREATE TABLE changes (
    number         bigint           PRIMARY KEY,
    change_set     bigint           NOT NULL,
    path           text COLLATE "C" NOT NULL,
    changed_at     timestamptz      NOT NULL,
    old_status     smallint,
    old_source     text COLLATE "C",
    old_drop_query boolean,
    old_origin     text COLLATE "C",
    old_tags       text[],
    old_note       text,
    new_status     smallint,
    new_source     text COLLATE "C",
    new_drop_query boolean,
    new_origin     text COLLATE "C",
    new_tags       text[],
    new_note       text
);
CREATE INDEX changes_change_set ON changes USING brin (change_set); -- a set's changes lie together

-- begin_change_set names the author of the changes that follow in this
-- transaction, and returns the change-set's id. It waits for other writers.
-- +goose StatementBegin
CREATE FUNCTION begin_change_set(author text, origin text, note text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    set_id bigint;
BEGIN
    PERFORM FROM state FOR UPDATE;
    INSERT INTO change_sets (author, origin, note) VALUES (author, origin, note) RETURNING id INTO set_id;
    PERFORM set_config('pagemap.change_set_' || 'pages'::regclass::oid, set_id || ' ' || pg_current_xact_id(), true);
    RETURN set_id;
END
$$;
-- +goose StatementEnd

-- log_begin returns the change-set of this transaction's changes. An edit by
-- plain SQL that names none gets one in the name of the session's user.
-- +goose StatementBegin
CREATE FUNCTION log_begin() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    setting text := current_setting('pagemap.change_set_' || 'pages'::regclass::oid, true);
BEGIN
    IF split_part(setting, ' ', 2) = pg_current_xact_id()::text THEN
        RETURN split_part(setting, ' ', 1)::bigint;
    END IF;
    RETURN begin_change_set(session_user, 'cli', 'edited by SQL');
END
$$;
-- +goose StatementEnd

-- log_end accounts for logged changes and tells the followers.
-- +goose StatementBegin
CREATE FUNCTION log_end(logged bigint, added bigint, schema_name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE state SET last = last + logged, pages = pages + added;
    PERFORM pg_notify('pagemap_' || schema_name, '');
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION pages_lock() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    number bigint;
BEGIN
    SELECT last INTO number FROM state FOR UPDATE;
    PERFORM setval('change_number', number + 1, false);
    RETURN NULL;
END
$$;
-- +goose StatementEnd

-- pages_number numbers one row. A row that ON CONFLICT will turn down must get
-- no number; a statement that knows its rows to be new says change = 0, which
-- spares the look (a row from a copy of the table brings another number). An update
-- that changes nothing does not happen. The schema is written into the function: a
-- search path of its own would double its time.
-- +goose StatementBegin
DO $do$
BEGIN
    EXECUTE format($format$
CREATE FUNCTION pages_number() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.change IS DISTINCT FROM 0 THEN
            IF EXISTS (SELECT FROM %1$I.pages WHERE path = NEW.path) THEN
                NEW.change := 0;
                NEW.changed_at := clock_timestamp();
                RETURN NEW;
            END IF;
        END IF;
    ELSIF NEW.path <> OLD.path THEN
        RAISE EXCEPTION 'the path of a row does not change: delete %% and insert %%', OLD.path, NEW.path;
    ELSIF (NEW.status, NEW.source, NEW.drop_query, NEW.origin, NEW.tags, NEW.note)
        IS NOT DISTINCT FROM (OLD.status, OLD.source, OLD.drop_query, OLD.origin, OLD.tags, OLD.note) THEN
        RETURN NULL;
    END IF;
    NEW.change := nextval('%1$I.change_number');
    NEW.changed_at := clock_timestamp();
    RETURN NEW;
END
$$
$format$, current_schema());
END
$do$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION pages_log_insert() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    logged bigint;
BEGIN
    IF EXISTS (SELECT FROM new_rows) THEN
        INSERT INTO changes (number, change_set, path, changed_at,
            new_status, new_source, new_drop_query, new_origin, new_tags, new_note)
        SELECT change, s.id, path, changed_at, status, source, drop_query, origin, tags, note
        FROM new_rows, log_begin() AS s (id);
        GET DIAGNOSTICS logged = ROW_COUNT;
        PERFORM log_end(logged, logged, TG_TABLE_SCHEMA);
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION pages_log_update() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    logged bigint;
BEGIN
    IF EXISTS (SELECT FROM new_rows) THEN
        INSERT INTO changes (number, change_set, path, changed_at,
            old_status, old_source, old_drop_query, old_origin, old_tags, old_note,
            new_status, new_source, new_drop_query, new_origin, new_tags, new_note)
        SELECT n.change, s.id, path, n.changed_at,
            o.status, o.source, o.drop_query, o.origin, o.tags, o.note,
            n.status, n.source, n.drop_query, n.origin, n.tags, n.note
        FROM old_rows o JOIN new_rows n USING (path), log_begin() AS s (id);
        GET DIAGNOSTICS logged = ROW_COUNT;
        PERFORM log_end(logged, 0, TG_TABLE_SCHEMA);
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION pages_log_delete() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    logged bigint;
BEGIN
    IF EXISTS (SELECT FROM old_rows) THEN
        INSERT INTO changes (number, change_set, path, changed_at,
            old_status, old_source, old_drop_query, old_origin, old_tags, old_note)
        SELECT nextval('change_number'), s.id, path, clock_timestamp(), status, source, drop_query, origin, tags, note
        FROM old_rows, log_begin() AS s (id);
        GET DIAGNOSTICS logged = ROW_COUNT;
        PERFORM log_end(logged, -logged, TG_TABLE_SCHEMA);
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd

-- With the rights of the schema's owner, so not for everybody: not by a call, nor
-- by a trigger on a table of one's own.
REVOKE EXECUTE ON FUNCTION begin_change_set, log_begin, log_end,
    pages_lock, pages_log_insert, pages_log_update, pages_log_delete FROM PUBLIC;

-- Triggers of one kind run in the order of their names.
CREATE TRIGGER a_lock BEFORE INSERT OR UPDATE OR DELETE ON pages
    FOR EACH STATEMENT EXECUTE FUNCTION pages_lock();
CREATE TRIGGER b_number BEFORE INSERT OR UPDATE ON pages
    FOR EACH ROW EXECUTE FUNCTION pages_number();
CREATE TRIGGER c_log_insert AFTER INSERT ON pages REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION pages_log_insert();
CREATE TRIGGER c_log_update AFTER UPDATE ON pages REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION pages_log_update();
CREATE TRIGGER c_log_delete AFTER DELETE ON pages REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION pages_log_delete();

-- +goose StatementBegin
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: %', TG_OP, TG_TABLE_NAME, TG_ARGV[0] USING ERRCODE = 'object_not_in_prerequisite_state';
END
$$;
-- +goose StatementEnd

CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON pages
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('DELETE FROM pages logs what it removes');
CREATE TRIGGER refuse_rewrite BEFORE UPDATE OR DELETE OR TRUNCATE ON changes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('the log is append-only');
CREATE TRIGGER refuse_rewrite BEFORE UPDATE OR DELETE OR TRUNCATE ON change_sets
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('the log is append-only');
CREATE TRIGGER refuse_removal BEFORE DELETE OR TRUNCATE ON state
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('it is the site''s only row');
