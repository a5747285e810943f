package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWiki(t *testing.T) {
	none := env(map[string]string{"PAGEMAP_CONFIG": os.DevNull})
	tests := []struct {
		name string
		args []string
		kind string
		want string // in the error; "": none
	}{
		{name: "none"},
		{name: "directory", args: []string{"--wiki", "/srv/wiki"}, kind: WikiDirectory},
		{name: "relative directory", args: []string{"--wiki", "wiki"}, kind: WikiDirectory},
		{name: "MediaWiki", args: []string{"--wiki", "mediawiki+https://wiki.example/w/api.php"}, kind: WikiMediaWiki},
		{name: "MoinMoin", args: []string{"--wiki", "moinmoin+http://localhost:8000/"}, kind: WikiMoinMoin},
		{name: "DokuWiki", args: []string{"--wiki", "dokuwiki+https://wiki.example/dw/"}, kind: WikiDokuWiki},
		{name: "Gollum", args: []string{"--wiki", "gollum+https://wiki.example/"}, kind: WikiGollum},
		{name: "template", args: []string{"--wiki", "https://wiki.example/{page}?action=content", "--wiki-select", "#content"}, kind: WikiTemplate},
		{name: "unknown kind", args: []string{"--wiki", "tiddly+https://wiki.example/"}, want: "tiddly"},
		{name: "no place for the page", args: []string{"--wiki", "https://wiki.example/"}, want: "{page}"},
		{name: "two places", args: []string{"--wiki", "https://wiki.example/{page}/{page}"}, want: "{page}"},
		{name: "a place too many", args: []string{"--wiki", "gollum+https://wiki.example/{page}"}, want: "gollum+"},
		{name: "another scheme", args: []string{"--wiki", "ftp://wiki.example/{page}"}, want: "neither a directory"},
		{name: "no host", args: []string{"--wiki", "mediawiki+https:///w/api.php"}, want: "neither a directory"},
		{name: "password", args: []string{"--wiki", "mediawiki+https://me:hunter2@wiki.example/api.php"}, want: "wiki-credentials-file"},
		{name: "selector for a directory", args: []string{"--wiki", "/srv/wiki", "--wiki-select", "#content"}, want: "wiki-select"},
		{name: "links", args: []string{"--wiki-links", "gone"}, want: "wiki-links"},
		{name: "poll", args: []string{"--wiki-poll", "1ms"}, want: "wiki-poll"},
		{name: "timeout", args: []string{"--wiki-timeout", "10s"}, want: "request-timeout"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := Parse(tt.args, none)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Fatalf("error %v, want %q", err, tt.want)
			}
			if err != nil {
				if strings.Contains(err.Error(), "hunter2") {
					t.Errorf("error %v shows the password", err)
				}
				return
			}
			a, err := s.WikiAddress()
			if err != nil || a.Kind != tt.kind {
				t.Errorf("a wiki of kind %q, %v; want %q", a.Kind, err, tt.kind)
			}
		})
	}
}

func TestWikiCredentials(t *testing.T) {
	for _, tt := range []struct {
		name, text     string
		mode           os.FileMode
		user, password string
		want           string // in the error; "": none
	}{
		{name: "user", text: "me:pass:word\n", mode: 0o600, user: "me", password: "pass:word"},
		{name: "bot", text: "Me@bot:abc", mode: 0o600, user: "Me@bot", password: "abc"},
		{name: "readable", text: "me:x", mode: 0o644, want: "chmod 600"},
		{name: "no colon", text: "me", mode: 0o600, want: "user:password"},
		{name: "no password", text: "me:", mode: 0o600, want: "user:password"},
		{name: "two lines", text: "me:x\nyou:y", mode: 0o600, want: "user:password"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &Settings{WikiCredentialsFile: write(t, tt.text, tt.mode)}
			user, password, err := s.WikiCredentials()
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Fatalf("error %v, want %q", err, tt.want)
			}
			if user != tt.user || password != tt.password {
				t.Errorf("%q, %q; want %q, %q", user, password, tt.user, tt.password)
			}
		})
	}
	if user, password, err := new(Settings).WikiCredentials(); user != "" || password != "" || err != nil {
		t.Errorf("without a file: %q, %q, %v", user, password, err)
	}
	if _, _, err := (&Settings{WikiCredentialsFile: filepath.Join(t.TempDir(), "none")}).WikiCredentials(); err == nil {
		t.Error("with a file that is not there: no error")
	}
}
