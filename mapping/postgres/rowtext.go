// The bytes of a row: as the database sends it and as a snapshot holds it.

package postgres

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"pagemap/mapping"
)

// rowBytes is an SQL expression whose value decodeRow reads. One bytea a row,
// which lib/pq hands over in binary and undecoded, is what makes a load fast.
const rowBytes = `int8send(change) || timestamptz_send(changed_at) || int2send(status) || boolsend(drop_query)
	|| textsend(origin || E'\n' || path || E'\n' || source)`

// newRowBytes is rowBytes of a change's new values.
const newRowBytes = `int8send(number) || timestamptz_send(changed_at) || int2send(new_status) || boolsend(new_drop_query)
	|| textsend(new_origin || E'\n' || path || E'\n' || new_source)`

// postgresEpoch is 2000-01-01 UTC, from which PostgreSQL counts, in
// microseconds since 1970.
const postgresEpoch = 946684800e6

// rowHead is the length of a row's numbers.
const rowHead = 8 + 8 + 2 + 1

// errRowBytes: decodeRow was given something else.
var errRowBytes = errors.New("not the bytes of a row")

// decodeRow reads a row; it keeps nothing of b.
func decodeRow(b []byte) (mapping.Row, error) {
	if len(b) < rowHead {
		return mapping.Row{}, errRowBytes
	}
	origin, text, ok1 := strings.Cut(string(b[rowHead:]), "\n")
	pattern, source, ok2 := strings.Cut(text, "\n")
	if !ok1 || !ok2 {
		return mapping.Row{}, errRowBytes
	}
	o, err := mapping.ParseOrigin(origin)
	if err != nil {
		return mapping.Row{}, fmt.Errorf("%w: %w", errRowBytes, err)
	}
	return mapping.Row{
		Pattern:   pattern,
		Source:    source,
		Change:    int64(binary.BigEndian.Uint64(b)),
		Changed:   int64(binary.BigEndian.Uint64(b[8:])) + postgresEpoch,
		Status:    binary.BigEndian.Uint16(b[16:]),
		DropQuery: b[18] != 0,
		Origin:    o,
	}, nil
}

// appendRow is the inverse of decodeRow.
func appendRow(b []byte, r mapping.Row) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(r.Change))
	b = binary.BigEndian.AppendUint64(b, uint64(r.Changed-postgresEpoch))
	b = binary.BigEndian.AppendUint16(b, r.Status)
	if r.DropQuery {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	b = append(b, r.Origin.String()...)
	b = append(b, '\n')
	b = append(b, r.Pattern...)
	b = append(b, '\n')
	return append(b, r.Source...)
}

// errStop ends a loop over rows early; it never leaves this package.
var errStop = errors.New("stop")

// scanRows calls visit with every row of pages that the rest of the query
// selects.
func scanRows(ctx context.Context, tx *sql.Tx, rest string, visit func(mapping.Row) error, args ...any) error {
	// Prepared, because results of other queries come as text.
	query, err := tx.PrepareContext(ctx, `SELECT `+rowBytes+` FROM pages `+rest)
	if err != nil {
		return err
	}
	defer func() { _ = query.Close() }() // its rows have told the outcome
	rows, err := query.QueryContext(ctx, args...)
	var b sql.RawBytes
	return each(rows, err, func() error {
		if err := rows.Scan(&b); err != nil {
			return err
		}
		row, err := decodeRow(b)
		if err != nil {
			return err
		}
		return visit(row)
	})
}

// each calls visit for every row of a query's result, and returns the first
// error of query, visit and rows.
func each(rows *sql.Rows, err error, visit func() error) error {
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // Err has told
	for rows.Next() {
		if err := visit(); err != nil {
			return err
		}
	}
	return rows.Err()
}
