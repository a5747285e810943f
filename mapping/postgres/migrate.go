// Migrations: the schema's versions.

package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"time"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var embedded embed.FS

// Migration is one step of the schema.
type Migration struct {
	Version int64
	Name    string    // "00001_page_table.sql"
	Applied time.Time // zero: pending
	SQL     string
}

// known lists the migrations of this program, all pending, oldest first.
func known() ([]Migration, error) {
	entries, err := fs.ReadDir(embedded, "migrations")
	if err != nil {
		return nil, fmt.Errorf("postgres: migrations: %w", err)
	}
	var list []Migration
	for _, e := range entries {
		version, err := goose.NumericComponent(e.Name())
		if err != nil {
			return nil, fmt.Errorf("postgres: migrations: %w", err)
		}
		text, err := fs.ReadFile(embedded, path.Join("migrations", e.Name()))
		if err != nil {
			return nil, fmt.Errorf("postgres: migrations: %w", err)
		}
		list = append(list, Migration{Version: version, Name: e.Name(), SQL: string(text)})
	}
	return list, nil
}

// CheckSchema is nil where the schema is this program's. ErrSchemaTooOld,
// ErrSchemaTooNew, or a connection's error.
func (db *DB) CheckSchema(ctx context.Context) error {
	var version sql.NullInt64
	err := db.writers.QueryRowContext(ctx, `SELECT max(version_id) FROM goose_db_version WHERE is_applied`).Scan(&version)
	if err != nil {
		return fmt.Errorf("postgres: schema %s: %w", db.schema, missing(err))
	}
	return db.checkVersion(version.Int64)
}

// checkVersion compares the database's version with this program's.
func (db *DB) checkVersion(version int64) error {
	list, err := known()
	if err != nil {
		return err
	}
	mine := list[len(list)-1].Version
	switch {
	case version < mine:
		return fmt.Errorf("postgres: schema %s has version %d, this program %d: %w", db.schema, version, mine, ErrSchemaTooOld)
	case version > mine:
		return fmt.Errorf("postgres: schema %s has version %d, this program %d: %w", db.schema, version, mine, ErrSchemaTooNew)
	}
	return nil
}

// Migrations lists every migration and whether it was applied. It changes
// nothing. ErrSchemaTooNew comes with the list, for a schema with more.
func (db *DB) Migrations(ctx context.Context) ([]Migration, error) {
	list, err := known()
	if err != nil {
		return nil, err
	}
	rows, err := db.writers.QueryContext(ctx, `SELECT version_id, tstamp FROM goose_db_version WHERE is_applied AND version_id > 0 ORDER BY id`)
	if pq.As(err, pqerror.UndefinedTable, pqerror.InvalidSchemaName) != nil {
		return list, nil
	}
	if err != nil {
		return nil, fmt.Errorf("postgres: migrations of %s: %w", db.schema, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var version int64
		var applied time.Time
		if err := rows.Scan(&version, &applied); err != nil {
			return nil, fmt.Errorf("postgres: migrations of %s: %w", db.schema, err)
		}
		i := slices.IndexFunc(list, func(m Migration) bool { return m.Version == version })
		if i < 0 {
			return list, fmt.Errorf("postgres: schema %s has migration %d: %w", db.schema, version, ErrSchemaTooNew)
		}
		list[i].Applied = applied
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("postgres: migrations of %s: %w", db.schema, err)
	}
	return list, nil
}

// Migrate applies what is pending, creating the schema if there is none, and
// returns what it applied. Programs that migrate at once wait for each other.
// Where the indexes of searches cannot be made, it warns of that and goes on;
// they are tried again with every Migrate.
func (db *DB) Migrate(ctx context.Context) ([]Migration, error) {
	list, err := db.migrate(ctx)
	if err != nil {
		return list, fmt.Errorf("postgres: migrate %s: %w", db.schema, err)
	}
	return list, nil
}

func (db *DB) migrate(ctx context.Context) (applied []Migration, err error) {
	// A lock of the session, on a connection of its own: goose opens others.
	lock, err := db.writers.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if _, err := lock.ExecContext(ctx, `SELECT pg_advisory_lock(hashtextextended($1, 0))`, "pagemap migrate "+db.schema); err != nil {
		return nil, err
	}
	defer func() {
		_, unlock := lock.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock_all()`)
		err = errors.Join(err, unlock)
	}()
	before, err := db.Migrations(ctx)
	if err != nil {
		return nil, err
	}
	// Somebody who may not create schemas may own one.
	var there bool
	if err := lock.QueryRowContext(ctx, `SELECT to_regnamespace($1) IS NOT NULL`, db.schema).Scan(&there); err != nil {
		return nil, err
	}
	if !there {
		if _, err := lock.ExecContext(ctx, `CREATE SCHEMA `+db.schema); err != nil {
			return nil, err
		}
	}
	files, err := fs.Sub(embedded, "migrations")
	if err != nil {
		return nil, err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db.writers, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, err
	}
	_, upErr := provider.Up(ctx) // its own Close would close the pool
	after, err := db.Migrations(ctx)
	if err != nil {
		return nil, errors.Join(upErr, err)
	}
	for i, m := range after {
		if before[i].Applied.IsZero() && !m.Applied.IsZero() {
			applied = append(applied, m)
		}
	}
	if upErr == nil {
		upErr = db.makeSearchIndexes(ctx)
	}
	return applied, upErr
}

// makeSearchIndexes makes the indexes of searches, unless they are there.
func (db *DB) makeSearchIndexes(ctx context.Context) error {
	var problem string
	if err := db.writers.QueryRowContext(ctx, `SELECT make_search_indexes()`).Scan(&problem); err != nil {
		return err
	}
	if problem != "" {
		db.logger.Warn("searches will be slow: the indexes for them need the extension pg_trgm. "+
			"Install it (package postgresql-contrib), let a superuser run CREATE EXTENSION pg_trgm in the database, and migrate again",
			"schema", db.schema, "error", problem)
	}
	return nil
}
