package config

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func env(m map[string]string) func(string) string { return func(k string) string { return m[k] } }

func write(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "pagemap.conf")
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestPrecedence(t *testing.T) {
	file := write(t, "# a comment\n\nschema = from_file\nmemory = 2MiB\nsite-alias = a.example, b.example:8080\n", 0o644)
	tests := []struct {
		name   string
		args   []string
		env    map[string]string
		schema string
		origin string
	}{
		{name: "default", schema: "pagemap", origin: "default"},
		{name: "file", args: []string{"--config", file}, schema: "from_file", origin: "file " + file + ":3"},
		{name: "file named by environment", env: map[string]string{"PAGEMAP_CONFIG": file}, schema: "from_file", origin: "file " + file + ":3"},
		{name: "environment over file", args: []string{"--config", file}, env: map[string]string{"PAGEMAP_SCHEMA": "from_env"}, schema: "from_env", origin: "environment PAGEMAP_SCHEMA"},
		{name: "empty environment", args: []string{"--config", file}, env: map[string]string{"PAGEMAP_SCHEMA": ""}, schema: "from_file", origin: "file " + file + ":3"},
		{name: "flag over all", args: []string{"--config", file, "--schema", "from_flag"}, env: map[string]string{"PAGEMAP_SCHEMA": "from_env"}, schema: "from_flag", origin: "flag --schema"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := Parse(tt.args, env(tt.env))
			if err != nil {
				t.Fatal(err)
			}
			if s.Schema != tt.schema {
				t.Errorf("schema = %q, want %q", s.Schema, tt.schema)
			}
			for _, v := range s.Effective() {
				if v.Name == "schema" && v.Origin != tt.origin {
					t.Errorf("origin = %q, want %q", v.Origin, tt.origin)
				}
			}
		})
	}
}

func TestValues(t *testing.T) {
	file := write(t, "memory = 2MiB\nsite = https://WWW.example.org\nsite-alias = Old.example,b.example:8080\nsocket-mode = 600\n", 0o644)
	s, err := Parse([]string{"--config", file, "--index", "default.htm"}, env(nil))
	if err != nil {
		t.Fatal(err)
	}
	if s.Memory != 2<<20 || s.SocketMode != 0o600 || strings.Join(s.Index, " ") != "default.htm" {
		t.Errorf("memory %d, socket mode %o, index %q", s.Memory, s.SocketMode, s.Index)
	}
	if got := strings.Join(s.Hosts(), " "); got != "www.example.org old.example b.example:8080" {
		t.Errorf("hosts = %q", got)
	}
	if s.Embedded() != true {
		t.Error("no database, and not embedded")
	}
}

func TestErrors(t *testing.T) {
	tests := []struct {
		name string
		file string
		args []string
		env  map[string]string
		want []string // all in the error
	}{
		{name: "unknown name", file: "schema = a\nshcema = b\n", want: []string{"pagemap.conf:2", `"shcema"`}},
		{name: "no equals sign", file: "\nschema\n", want: []string{"pagemap.conf:2", "name = value"}},
		{name: "twice", file: "schema = a\nschema = b\n", want: []string{"pagemap.conf:2", "line 1"}},
		{name: "config in the file", file: "config = /x\n", want: []string{"pagemap.conf:1"}},
		{name: "bad size", file: "memory = lots\n", want: []string{"pagemap.conf:1", `"lots"`, "MiB"}},
		{name: "bad environment", env: map[string]string{"PAGEMAP_WORKERS": "two"}, want: []string{"PAGEMAP_WORKERS", "two"}},
		{name: "bad site", args: []string{"--site", "www.example.org/x"}, want: []string{"--site", "https://www.example.org"}},
		{name: "site with a path", args: []string{"--site", "http://h/x"}, want: []string{"--site"}},
		{name: "negative workers", args: []string{"--workers", "-1"}, want: []string{"workers", "-1"}},
		{name: "no requests", args: []string{"--max-requests", "0"}, want: []string{"max-requests"}},
		{name: "no connection beside a worker's two listeners", args: []string{"--max-connections", "1"}, want: []string{"max-connections", "1"}},
		{name: "no time", file: "request-timeout = 0s\n", want: []string{"request-timeout", "pagemap.conf:1"}},
		{name: "header injection", args: []string{"--cache-file", "public\r\nX: y"}, want: []string{"cache-file"}},
		{name: "log level", args: []string{"--log-level", "loud"}, want: []string{"log-level", "loud"}},
		{name: "log format", args: []string{"--log-format", "xml"}, want: []string{"log-format", "xml"}},
		{name: "index path", args: []string{"--index", "a/b"}, want: []string{"index", "a/b"}},
		{name: "two tables", args: []string{"--database", "x=y", "--mapping", "f.csv"}, want: []string{"mapping"}},
		{name: "missing file", args: []string{"--config", "/nonexistent/pagemap.conf"}, want: []string{"/nonexistent/pagemap.conf"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			args := tt.args
			if tt.file != "" {
				args = append(args, "--config", write(t, tt.file, 0o644))
			}
			_, err := Parse(args, env(tt.env))
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q lacks %q", err, want)
				}
			}
		})
	}
}

func TestReadSecret(t *testing.T) {
	if got, err := ReadSecret(write(t, "  s3cret \n", 0o600)); err != nil || string(got) != "s3cret" {
		t.Errorf("ReadSecret = %q, %v", got, err)
	}
	if got, err := ReadSecret(""); err != nil || got != nil {
		t.Errorf("no file: %q, %v", got, err)
	}
	for name, file := range map[string]string{"readable by all": write(t, "x", 0o644), "empty": write(t, "\n", 0o600), "missing": "/nonexistent"} {
		if _, err := ReadSecret(file); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: error %v does not name the file", name, err)
		}
	}
}

// The example file, with every line put in force, gives the defaults.
func TestExampleIsTheDefaults(t *testing.T) {
	var example bytes.Buffer
	if err := WriteExample(&example); err != nil {
		t.Fatal(err)
	}
	var inForce strings.Builder
	for l := range strings.Lines(example.String()) {
		if strings.HasPrefix(l, "#") && !strings.HasPrefix(l, "# ") && !strings.HasPrefix(l, "##") {
			l = l[1:]
		}
		inForce.WriteString(l)
	}
	got, err := Parse([]string{"--config", write(t, inForce.String(), 0o644)}, env(nil))
	if err != nil {
		t.Fatal(err)
	}
	want, err := Parse([]string{"--config", write(t, "", 0o644)}, env(nil))
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range want.Effective() {
		g := got.Effective()[i]
		if g.Value != w.Value || !strings.HasPrefix(g.Origin, "file ") {
			t.Errorf("%s = %q from %s, want %q from the file", g.Name, g.Value, g.Origin, w.Value)
		}
	}
}

func TestPassword(t *testing.T) {
	for given, shown := range map[string]string{
		"host=/run dbname=x":                 "host=/run dbname=x",
		"host=/run password=s3cret dbname=x": "host=/run password=*** dbname=x",
		`password='s3 cr\'et' dbname=x`:      "password=*** dbname=x",
		"postgres://me:s3cret@db/x":          "postgres://me:***@db/x",
		"postgres://me@db/x":                 "postgres://me@db/x",
	} {
		secret := given != shown
		open, closed := write(t, "database = "+given+"\n", 0o644), write(t, "database = "+given+"\n", 0o600)
		if _, err := Parse([]string{"--config", open}, env(nil)); (err != nil) != secret {
			t.Errorf("%q in a file that all may read: error %v", given, err)
		}
		s, err := Parse([]string{"--config", closed}, env(nil))
		if err != nil {
			t.Fatal(err)
		}
		if s.Database != given {
			t.Errorf("database = %q, want %q", s.Database, given)
		}
		for _, v := range s.Effective() {
			if v.Name == "database" && v.Value != shown {
				t.Errorf("%q is shown as %q, want %q", given, v.Value, shown)
			}
		}
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]Size{"0": 0, "17": 17, "1K": 1 << 10, "3 MiB": 3 << 20, "2GB": 2 << 30, "5B": 5} {
		var s Size
		if err := s.Set(text); err != nil || s != want {
			t.Errorf("Set(%q) = %d, %v; want %d", text, s, err, want)
		}
		var again Size
		if err := again.Set(s.String()); err != nil || again != s {
			t.Errorf("%q does not read back: %d, %v", s.String(), again, err)
		}
	}
	for _, text := range []string{"", "MiB", "-1", "1.5G", "9999999999G", "1T"} {
		var s Size
		if err := s.Set(text); err == nil {
			t.Errorf("Set(%q) = %d, want an error", text, s)
		}
	}
}

func FuzzParseFile(f *testing.F) {
	f.Add([]byte("schema = x\n# c\n\nmemory=1\n"))
	f.Add([]byte("=\n==\nschema"))
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	Define(flags)
	f.Fuzz(func(t *testing.T, data []byte) {
		settings, err := parseFile("f", data, flags)
		if err != nil && settings != nil {
			t.Error("settings of a file with an error")
		}
		for name := range settings {
			if flags.Lookup(name) == nil {
				t.Errorf("accepted %q", name)
			}
		}
	})
}
