// A site with a wiki, and the command line that moves its pages.

package apache_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pagemap/deploy/apache/apachetest"
	"pagemap/fcgi/site/sitetest"
	"pagemap/mapping"
)

// wikiSite is a running site, some of whose pages a wiki has.
type wikiSite struct {
	*stack
	wiki  string // directory of the wiki; empty where that is another one
	looks string // directory of the layouts
}

// upWiki brings up a site over a tree and rows, with an empty directory of layouts. Without settings for a wiki it
// is an empty directory.
func upWiki(t *testing.T, world *sitetest.World, more map[string]string) *wikiSite {
	t.Helper()
	dir := apachetest.Dir(t)
	s := &wikiSite{looks: filepath.Join(dir, "looks")}
	settings := map[string]string{"looks": s.looks}
	if more["wiki"] == "" {
		s.wiki = filepath.Join(dir, "wiki")
		settings["wiki"] = s.wiki
	}
	for _, d := range []string{s.looks, filepath.Join(dir, "wiki")} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range more {
		settings[name] = value
	}
	s.stack = up(t, options{world: world, more: settings})
	return s
}

// wikiRow is the row of a page of the wiki.
func wikiRow(pattern, name string) mapping.Page {
	return mapping.Page{Row: mapping.Row{Pattern: pattern, Status: 200, Source: "wiki:" + name, Origin: mapping.OriginCLI}}
}

var controlled struct {
	once sync.Once
	err  error
}

// run executes pagemapctl on the site, and returns what it prints. Another exit code than the given one ends the test.
func (s *wikiSite) run(t *testing.T, code int, args ...string) string {
	t.Helper()
	dir := program(t)
	controlled.once.Do(func() {
		if out, err := exec.Command("go", "build", "-o", dir+"/", "pagemap/cmd/pagemapctl").CombinedOutput(); err != nil {
			controlled.err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	if controlled.err != nil {
		t.Fatal(controlled.err)
	}
	begun := time.Now()
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "pagemapctl"), append([]string{"--config", s.settings}, args...)...)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != code {
		t.Fatalf("pagemapctl %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), got, code, out.String(), problems.String())
	}
	t.Logf("%6.2f s  pagemapctl %s", time.Since(begun).Seconds(), strings.Join(args, " "))
	return out.String()
}
