// Format: the formats that mappings are read from and written to.

package exchange

import (
	"fmt"
	"path"
	"strings"
)

// Format names a format, as commands write it.
type Format string

// The formats.
const (
	CSV        Format = "csv"        // separated by "," or ";"
	TSV        Format = "tsv"        // separated by tabs
	JSONLines  Format = "jsonl"      // the complete one
	Htaccess   Format = "htaccess"   // Apache's per-directory file
	Httpd      Format = "httpd"      // Apache's server configuration
	Redirects  Format = "redirects"  // _redirects of Netlify and Cloudflare Pages
	RewriteMap Format = "rewritemap" // a text map of Apache's mod_rewrite
	NginxMap   Format = "nginxmap"   // the inside of nginx's map block
)

// Formats are all formats.
func Formats() []Format {
	return []Format{CSV, TSV, JSONLines, Htaccess, Httpd, Redirects, RewriteMap, NginxMap}
}

// ParseFormat is the format of this name.
func ParseFormat(name string) (Format, error) {
	var names []string
	for _, f := range Formats() {
		if string(f) == name {
			return f, nil
		}
		names = append(names, string(f))
	}
	return "", fmt.Errorf("exchange: %q is no format: it is one of %s", name, strings.Join(names, ", "))
}

// Detect tells a file's format from its name; false where that does not tell.
func Detect(filename string) (Format, bool) {
	name := strings.ToLower(path.Base(strings.ReplaceAll(filename, `\`, "/")))
	switch name {
	case ".htaccess", "htaccess", "htaccess.txt":
		return Htaccess, true
	case "httpd.conf", "apache2.conf":
		return Httpd, true
	case "_redirects", "_redirects.txt":
		return Redirects, true
	}
	switch path.Ext(name) {
	case ".csv":
		return CSV, true
	case ".tsv", ".tab":
		return TSV, true
	case ".jsonl", ".ndjson":
		return JSONLines, true
	case ".htaccess":
		return Htaccess, true
	case ".map":
		return NginxMap, true
	}
	return "", false
}
