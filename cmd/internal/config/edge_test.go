package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEdge(t *testing.T) {
	none := env(map[string]string{"PAGEMAP_CONFIG": os.DevNull})
	site := []string{"--site", "https://www.example.org", "--edge-secret-file", "/dev/null"}
	tests := []struct {
		name string
		args []string
		want string // in the error; "": none
	}{
		{"none", nil, ""},
		{"one", append(site, "--edge", "http://127.0.0.1:80"), ""},
		{"several", append(site, "--edge", "https://127.0.0.1,varnish+http://[::1]:6081", "--edge-max-age", "2s"), ""},
		{"not a URL", append(site, "--edge", "127.0.0.1:80"), "http://HOST:PORT"},
		{"with a path", append(site, "--edge", "http://127.0.0.1/x"), "http://HOST:PORT"},
		{"no site", []string{"--edge", "http://127.0.0.1", "--edge-secret-file", "/dev/null"}, "set site"},
		{"no secret", []string{"--edge", "http://127.0.0.1", "--site", "https://www.example.org"}, "set edge-secret-file"},
		{"too long", append(site, "--edge-max-age", "6s"), "edge-max-age"},
		{"nothing", append(site, "--edge-max-age", "0s"), "edge-max-age"},
		{"parts of seconds", append(site, "--edge-max-age", "1500ms"), "edge-max-age"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(tt.args, none)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestEdgeSecret(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		mode       os.FileMode
		ok         bool
	}{
		{"good", "0123456789abcdef0123456789abcdef\n", 0o600, true},
		{"read by others", "0123456789abcdef0123456789abcdef\n", 0o644, false},
		{"short", "0123456789\n", 0o600, false},
		{"of two lines", "0123456789abcdef\n0123456789abcdef\n", 0o600, false},
		{"empty", "\n", 0o600, false},
	} {
		file := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(file, []byte(tt.text), tt.mode); err != nil {
			t.Fatal(err)
		}
		s := Settings{EdgeSecretFile: file}
		secret, err := s.EdgeSecret()
		if (err == nil) != tt.ok || tt.ok && secret != strings.TrimSpace(tt.text) {
			t.Errorf("%s: %q, %v", tt.name, secret, err)
		}
	}
}
