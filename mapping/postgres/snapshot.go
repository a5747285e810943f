// The snapshot: the table in a file, for a start without the database.

package postgres

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"

	"pagemap/mapping"
)

// ErrSnapshot is that a file is no snapshot of this schema, or a damaged one.
var ErrSnapshot = errors.New("postgres: bad snapshot")

// snapshotMagic starts every snapshot; its number is the format's version.
const snapshotMagic = "pagemap snapshot 1\n"

// snapshotHead is the line of JSON behind the magic.
type snapshotHead struct {
	Schema string `json:"schema"`
	position
	Rows int `json:"rows"`
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// maxSnapshotHead bounds the first line: a schema's name, two UUIDs, two numbers.
const maxSnapshotHead = 4096

// writeSnapshot writes a table in the format of the package comment.
func writeSnapshot(w io.Writer, schema string, at position, table *mapping.Table) error {
	sum := crc32.New(castagnoli)
	out := bufio.NewWriterSize(io.MultiWriter(w, sum), 256<<10)
	first, err := json.Marshal(snapshotHead{schema, at, table.Len()})
	if err != nil {
		return err
	}
	_, _ = out.WriteString(snapshotMagic) // a bufio.Writer keeps its error until Flush
	_, _ = out.Write(append(first, '\n'))
	var b []byte
	for row := range table.All() {
		b = appendRow(b[:0], row)
		_, _ = out.Write(binary.AppendUvarint(out.AvailableBuffer(), uint64(len(b))))
		if _, err := out.Write(b); err != nil {
			return err
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	_, err = w.Write(binary.BigEndian.AppendUint32(nil, sum.Sum32()))
	return err
}

// readSnapshot reads the file of a schema's snapshot. ErrSnapshot, or the
// file's error.
func readSnapshot(name, schema string) (position, *mapping.Table, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return position{}, nil, fmt.Errorf("postgres: snapshot: %w", err)
	}
	h, table, err := parseSnapshot(b)
	if err == nil && h.Schema != schema {
		err = fmt.Errorf("it is of schema %q, not %q", h.Schema, schema)
	}
	if err != nil {
		return position{}, nil, fmt.Errorf("%w: %s: %w", ErrSnapshot, name, err)
	}
	return h.position, table, nil
}

// parseHead reads the magic and the first line, and returns what follows.
func parseHead(b []byte) (h snapshotHead, rest []byte, err error) {
	b, ok := bytes.CutPrefix(b, []byte(snapshotMagic))
	if !ok {
		return h, nil, errors.New("it does not start as one of this version")
	}
	first, rest, ok := bytes.Cut(b, []byte("\n"))
	if !ok || len(first) > maxSnapshotHead {
		return h, nil, errors.New("its first line is cut short")
	}
	if err := json.Unmarshal(first, &h); err != nil {
		return h, nil, fmt.Errorf("its first line: %w", err)
	}
	return h, rest, nil
}

func parseSnapshot(b []byte) (snapshotHead, *mapping.Table, error) {
	h, rest, err := parseHead(b)
	if err != nil {
		return h, nil, err
	}
	body := len(b) - crc32.Size
	if len(rest) < crc32.Size || crc32.Checksum(b[:body], castagnoli) != binary.BigEndian.Uint32(b[body:]) {
		return h, nil, errors.New("its checksum differs: it is damaged or cut short")
	}
	rest = rest[:len(rest)-crc32.Size]
	table := mapping.NewTable(func(yield func(mapping.Row) bool) {
		for len(rest) > 0 {
			length, n := binary.Uvarint(rest)
			if n <= 0 || length > uint64(len(rest)-n) {
				err = errRowBytes
				return
			}
			var row mapping.Row
			if row, err = decodeRow(rest[n:][:length]); err != nil || !yield(row) {
				return
			}
			rest = rest[n+int(length):]
		}
	})
	if err != nil {
		return h, nil, err
	}
	if table.Len() != h.Rows {
		return h, nil, fmt.Errorf("%d rows, its first line says %d", table.Len(), h.Rows)
	}
	return h, table, nil
}
