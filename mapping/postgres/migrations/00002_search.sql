-- Trigram indexes, by which a search finds a text within paths and sources.

-- +goose Up

-- make_search_indexes makes what is missing of them. It returns why it could not,
-- or ''. The extension is one for all schemas of a database, so it is in none of
-- ours; who may create objects in the database may install it.
-- +goose StatementBegin
CREATE FUNCTION make_search_indexes() RETURNS text
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    operators text;
BEGIN
    IF to_regclass('pages_path_trigrams') IS NOT NULL AND to_regclass('pages_source_trigrams') IS NOT NULL THEN
        RETURN '';
    END IF;
    CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public;
    SELECT quote_ident(nspname) || '.gin_trgm_ops' INTO operators
    FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = 'pg_trgm';
    EXECUTE 'CREATE INDEX IF NOT EXISTS pages_path_trigrams ON pages USING gin (path ' || operators || ')';
    -- A file at its own path says nothing that the path does not.
    EXECUTE 'CREATE INDEX IF NOT EXISTS pages_source_trigrams ON pages USING gin (source ' || operators || $where$)
        WHERE source <> 'file:' || path$where$;
    RETURN '';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLERRM;
END
$$;
-- +goose StatementEnd

SELECT make_search_indexes();
