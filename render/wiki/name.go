// Names that pages of the site have in a wiki.

package wiki

import (
	"slices"
	"strings"
	"unicode/utf8"

	"pagemap/mapping"
)

// PageName is the name that a page gets in a wiki where nobody gives it another one: its path, decoded, without the ending of
// HTML; of a directory, its index. What follows the ending, such as a language, stays, so that /a.html.ko and
// /a.html.ja are two pages. ok is false of a path that no name can be made of.
func PageName(path mapping.Path) (name string, ok bool) {
	if strings.HasSuffix(string(path), "/") {
		path += "index"
	}
	name, ok = path.FileName()
	if !ok || !utf8.ValidString(name) {
		return "", false
	}
	slash := strings.LastIndexByte(name, '/') + 1
	parts := strings.Split(name[slash:], ".")
	for i := len(parts) - 1; i > 0; i-- {
		if slices.Contains([]string{"html", "htm", "xhtml", "shtml"}, strings.ToLower(parts[i])) {
			parts = slices.Delete(parts, i, i+1)
			break
		}
	}
	return name[:slash] + strings.Join(parts, "."), true
}
