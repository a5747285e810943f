package config

import (
	"bytes"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write the README's table of settings")

// The README's table of settings is the one that the code prints.
func TestReadmeTable(t *testing.T) {
	const readme = "../../../README.md"
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := []byte("<!-- settings: made by pagemapctl config --markdown -->\n"), []byte("<!-- end of settings -->")
	before, rest, ok := bytes.Cut(text, begin)
	table, after, ok2 := bytes.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("README.md lacks the marks around the table of settings")
	}
	var want bytes.Buffer
	if err := WriteTable(&want); err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(table, want.Bytes()) {
		return
	}
	if !*update {
		t.Fatal("the table of settings has drifted: run go test ./cmd/internal/config -run TestReadmeTable -update")
	}
	text = bytes.Join([][]byte{before, begin, want.Bytes(), end, after}, nil)
	if err := os.WriteFile(readme, text, 0o644); err != nil {
		t.Fatal(err)
	}
}
