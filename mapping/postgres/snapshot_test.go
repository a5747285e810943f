// The snapshot's file.

package postgres

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"pagemap/mapping"
)

var somewhere = position{Identity: "6d5cfb6c-6c02-4c2a-8d8e-2d6d2c2a1f00", Number: 3, Token: "b0a6f1d2-3f7c-4a3e-9d67-0d4c1e5f7a11"}

func sampleTable() *mapping.Table {
	return mapping.NewTable(slices.Values([]mapping.Row{
		{Pattern: "/a", Source: "file:/a", Status: 200, Change: 1, Changed: 1790000000000000, Origin: mapping.OriginPopulate},
		{Pattern: "/b/*", Source: "/c/*", Status: 301, Change: 2, Changed: 1, Origin: mapping.OriginCLI, DropQuery: true},
		{Pattern: "/d?x=1", Status: 410, Change: 3, Changed: -5, Origin: mapping.OriginImport},
	}))
}

func sampleSnapshot(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := writeSnapshot(&b, "pagemap", somewhere, sampleTable()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestSnapshotRoundTrip(t *testing.T) {
	name := filepath.Join(t.TempDir(), "s")
	if err := saveSnapshot(name, "pagemap", somewhere, sampleTable()); err != nil {
		t.Fatal(err)
	}
	at, table, err := readSnapshot(name, "pagemap")
	if err != nil || at != somewhere || table.Len() != 3 {
		t.Fatalf("%+v, %v", at, err)
	}
	for row := range sampleTable().All() {
		if got, _ := table.Get(row.Pattern); got != row {
			t.Errorf("got %+v, want %+v", got, row)
		}
	}
	if !fileHolds(name, "pagemap", somewhere) || fileHolds(name, "other", somewhere) || fileHolds(name, "pagemap", position{}) {
		t.Error("fileHolds is wrong")
	}
	if entries, _ := os.ReadDir(filepath.Dir(name)); len(entries) != 1 {
		t.Errorf("%d files in the directory", len(entries))
	}
}

func TestSnapshotRefused(t *testing.T) {
	good := sampleSnapshot(t)
	sealed := func(b []byte) []byte {
		return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	}
	cases := map[string][]byte{
		"empty":         {},
		"foreign":       []byte("-- PostgreSQL database dump\n"),
		"other version": sealed(bytes.Replace(good[:len(good)-4], []byte("snapshot 1"), []byte("snapshot 2"), 1)),
		"no first line": []byte(snapshotMagic),
		"bad head":      sealed([]byte(snapshotMagic + "{]\n")),
		"other count":   sealed(bytes.Replace(good[:len(good)-4], []byte(`"rows":3`), []byte(`"rows":4`), 1)),
		"longer":        append(slices.Clone(good), 0),
		"bad length":    sealed(append(slices.Clone(good[:len(good)-4]), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)),
		"short row":     sealed(append(slices.Clone(good[:len(good)-4]), 1, 'x')),
	}
	for n := range good {
		cases[fmt.Sprint("cut at ", n)] = good[:n]
	}
	for i := range good {
		flipped := slices.Clone(good)
		flipped[i] ^= 0x20
		cases[fmt.Sprint("flipped at ", i)] = flipped
	}
	name := filepath.Join(t.TempDir(), "s")
	for what, b := range cases {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := readSnapshot(name, "pagemap"); !errors.Is(err, ErrSnapshot) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := os.WriteFile(name, good, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := readSnapshot(name, "other_site"); !errors.Is(err, ErrSnapshot) {
		t.Errorf("another site's: %v", err)
	}
	if _, _, err := readSnapshot(name+"x", "pagemap"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// Responders that share the file write it in turn, and readers always see a whole one.
func TestSnapshotShared(t *testing.T) {
	name := filepath.Join(t.TempDir(), "s")
	if err := saveSnapshot(name, "pagemap", somewhere, sampleTable()); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 50 {
				at := somewhere
				at.Number = int64(w*1000 + i)
				if err := saveSnapshot(name, "pagemap", at, sampleTable()); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range 100 {
				if _, _, err := readSnapshot(name, "pagemap"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	// A lock that another process holds leaves the file to it.
	f, err := lockTemporary(name + ".new")
	if err != nil || f == nil {
		t.Fatal(f, err)
	}
	before, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := saveSnapshot(name, "pagemap", position{Number: 9}, sampleTable()); err != nil {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(name); err != nil || !bytes.Equal(before, after) {
		t.Errorf("written in spite of the lock: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestSaver(t *testing.T) {
	name := filepath.Join(t.TempDir(), "dir", "s") // its directory is missing
	s := saver{file: name, schema: "pagemap", every: time.Hour, logger: logger(t)}
	s.save(somewhere, sampleTable(), true)
	if s.saved == somewhere {
		t.Fatal("a write that failed counts")
	}
	if err := os.Mkdir(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	s.save(somewhere, sampleTable(), false)
	if s.writing != nil {
		t.Fatal("written again before its time")
	}
	s.save(somewhere, sampleTable(), true)
	if at, _, err := readSnapshot(name, "pagemap"); err != nil || at != somewhere || s.saved != somewhere {
		t.Fatalf("%+v, %v", at, err)
	}
}

func FuzzSnapshot(f *testing.F) {
	good := sampleSnapshot(f)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte(snapshotMagic + "{}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, _, err := parseSnapshot(b); err == nil && !bytes.HasPrefix(b, []byte(snapshotMagic)) {
			t.Fatal("a foreign file is read")
		}
		// The checksum keeps the fuzzer out of the rows: seal what it made.
		sealed := binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
		h, table, err := parseSnapshot(sealed)
		if err != nil {
			return
		}
		var again bytes.Buffer
		if err := writeSnapshot(&again, h.Schema, h.position, table); err != nil {
			t.Fatal(err)
		}
		h2, table2, err := parseSnapshot(again.Bytes())
		if err != nil || h2 != h || table2.Len() != table.Len() {
			t.Fatalf("not the same again: %+v, %+v, %v", h, h2, err)
		}
	})
}

func FuzzDecodeRow(f *testing.F) {
	for row := range sampleTable().All() {
		f.Add(appendRow(nil, row))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		row, err := decodeRow(b)
		if err != nil {
			return
		}
		if again, err := decodeRow(appendRow(nil, row)); err != nil || again != row {
			t.Fatalf("%+v becomes %+v, %v", row, again, err)
		}
	})
}
