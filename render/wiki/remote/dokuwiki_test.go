// A real DokuWiki.

package remote

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pagemap/render/wiki/phptest"
)

// doku is a DokuWiki of Debian's package, on PHP's built-in server.
type doku struct {
	*phptest.Site
	t       testing.TB
	dir     string
	prepend []string // php's arguments that tell it where its files are
}

func startDoku(t testing.TB) *doku {
	t.Helper()
	const program = "/usr/share/dokuwiki"
	phptest.Need(t, program+"/doku.php", "dokuwiki")
	dir, err := os.MkdirTemp("", "pm")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for _, d := range strings.Fields("root conf data/pages data/attic data/media data/media_attic data/media_meta data/meta data/cache data/index data/locks data/tmp data/log") {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := phptest.Overlay(filepath.Join(dir, "root"), program, ".htaccess"); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"prepend.php":    fmt.Sprintf("<?php\nif ( !defined( 'DOKU_CONF' ) ) { define( 'DOKU_CONF', '%s/conf/' ); }\n", dir),
		"conf/local.php": fmt.Sprintf("<?php\n$conf['title'] = 'Test';\n$conf['savedir'] = '%s/data';\n$conf['useacl'] = 0;\n$conf['updatecheck'] = 0;\n", dir),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d := &doku{t: t, dir: dir, prepend: []string{"-d", "auto_prepend_file=" + filepath.Join(dir, "prepend.php")}}
	d.Site = phptest.Start(t, phptest.Options{
		Root: filepath.Join(dir, "root"), Args: d.prepend, Log: filepath.Join(dir, "log"), Ready: "/doku.php?id=start",
		Setup: func(string) error { return nil },
	})
	return d
}

// write writes a page's text, as DokuWiki's own program does; "" deletes the page.
func (d *doku) write(name, text string) {
	d.t.Helper()
	file := filepath.Join(d.dir, "text")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
	args := append(d.prepend[:len(d.prepend):len(d.prepend)], "/usr/share/dokuwiki/bin/dwpage.php", "commit", "-m", "test", file, strings.ReplaceAll(name, "/", ":"))
	if _, err := phptest.Command(nil, args...); err != nil {
		d.t.Fatal(err)
	}
}
