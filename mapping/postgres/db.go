// DB: one site's schema in a database.

package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"pagemap/mapping"
)

// Errors, tested with errors.Is. Their texts say what to run.
var (
	ErrNoChangeSet  = errors.New("postgres: no such change-set")
	ErrSchemaTooOld = errors.New("postgres: the schema is older than this program: run pagemapctl migrate")
	ErrSchemaTooNew = errors.New("postgres: the schema is newer than this program: install the newer pagemap")
	ErrLoop         = errors.New("postgres: redirect loop")
	ErrNoPage       = errors.New("postgres: no such page")
	ErrRowCount     = errors.New("postgres: the table's rows are not as many as its state says: restore a dump, or correct state.pages")
)

// Options of Open.
type Options struct {
	DSN        string        // as lib/pq reads it: "host=/run/postgresql dbname=site" or a postgres:// URL
	Schema     string        // a lower-case word of at most 50 bytes; "": "pagemap"
	Hosts      mapping.Hosts // as the site's resolver has them, for the check of loops
	IndexNames []string      // likewise
	Logger     *slog.Logger  // of followers and adders that have none of their own; nil: none
}

// DB is one site's page table. Safe for concurrent use.
type DB struct {
	config   pq.Config
	dsn      string
	schema   string
	resolver mapping.Resolver // without rows: what the check of loops copies
	logger   *slog.Logger
	writers  *sql.DB // of everything but the followers, which have pools of their own
	sample   *sample
}

// schemaName keeps the name of the schema's channel, "pagemap_" and the schema,
// below PostgreSQL's limit of 63 bytes, and every name free of quotes.
var schemaName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,49}$`)

// Open prepares the connections; it does not connect.
func Open(o Options) (*DB, error) {
	if o.Schema == "" {
		o.Schema = "pagemap"
	}
	if !schemaName.MatchString(o.Schema) {
		return nil, fmt.Errorf("postgres: schema %q: want a lower-case word of at most 50 letters, digits and underscores", o.Schema)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	config, err := pq.NewConfig(o.DSN)
	if err != nil {
		return nil, fmt.Errorf("postgres: connection string: %w", err)
	}
	if config.FallbackApplicationName == "" {
		config.FallbackApplicationName = "pagemap"
	}
	if config.Runtime == nil {
		config.Runtime = map[string]string{}
	}
	config.Runtime["search_path"] = o.Schema + ",pg_temp"
	// Whatever the server's own settings: goose's times have no zone, and the SQL here has backslashes.
	config.Runtime["TimeZone"] = "UTC"
	config.Runtime["standard_conforming_strings"] = "on"
	config.BinaryParameters = true // one exchange with the server for a statement with parameters, in place of two
	db := &DB{
		sample:   &sample{},
		config:   config,
		dsn:      o.DSN,
		schema:   o.Schema,
		resolver: mapping.Resolver{Hosts: o.Hosts, IndexNames: o.IndexNames},
		logger:   o.Logger,
	}
	db.writers, err = db.pool(0)
	return db, err
}

// Close closes the connections. Followers have to end first.
func (db *DB) Close() error { return db.writers.Close() }

// channel is where the triggers notify.
func (db *DB) channel() string { return "pagemap_" + db.schema }

// pool is a pool of connections that break when the server is silent for
// longer than silence in the middle of a query; 0: never.
func (db *DB) pool(silence time.Duration) (*sql.DB, error) {
	connector, err := pq.NewConnectorConfig(db.config.Clone())
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	connector.Dialer(dialer{silence: silence})
	pool := sql.OpenDB(connector)
	pool.SetMaxOpenConns(4)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	return pool, nil
}

// queryer is a pool or a transaction.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// inTx runs do in a transaction, which is rolled back when do fails or panics.
func inTx(ctx context.Context, pool *sql.DB, o sql.TxOptions, do func(*sql.Tx) error) error {
	tx, err := pool.BeginTx(ctx, &o)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// snapshotTx is a transaction whose statements all see one state.
var snapshotTx = sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}

// missing turns the error of a table that is not there into ErrSchemaTooOld.
func missing(err error) error {
	if pq.As(err, pqerror.UndefinedTable, pqerror.InvalidSchemaName, pqerror.UndefinedColumn, pqerror.UndefinedFunction) != nil {
		return fmt.Errorf("%w (%w)", ErrSchemaTooOld, err)
	}
	return err
}
