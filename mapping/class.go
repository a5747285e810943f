// How a file of the tree is served, by its name: page, data, denied.

package mapping

import "strings"

// Class is how a file of the tree is served.
type Class uint8

// The classes.
const (
	ClassPage   Class = iota // served by the responder, byte for byte
	ClassData                // redirected to /data
	ClassDenied              // never served
)

// DefaultImageLimit is the size in bytes up to which an image is a page.
const DefaultImageLimit = 256 << 10

// The names that are never served. Denied and DeniedPattern both read them.
const wellKnown = ".well-known" // the one name with a leading dot that is served (RFC 8615)

var (
	leftoverSuffixes = [...]string{"~", ".bak", ".swp"}
	programSuffixes  = [...]string{
		".php", ".php3", ".php4", ".php5", ".php7", ".php8", ".phps", ".phtml", ".pht", ".phar",
		".cgi", ".fcgi", ".asp", ".asa", ".asax", ".aspx", ".ascx", ".ashx", ".asmx",
		".jsp", ".jspx", ".jspf", ".shtml", ".inc", ".cfm", ".cfc",
	}
)

// Denied reports why a slash-separated file name relative to the tree is never
// served, from the tree or from /data: "dotfile" (any directory of the way
// counts), "leftover", "program source"; "" where it may be.
func Denied(name string) string {
	for segment := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(segment, ".") && segment != wellKnown {
			return "dotfile"
		}
	}
	name = strings.ToLower(name)
	for _, suffix := range leftoverSuffixes {
		if strings.HasSuffix(name, suffix) {
			return "leftover"
		}
	}
	for _, suffix := range programSuffixes {
		if strings.HasSuffix(name, suffix) {
			return "program source"
		}
	}
	return ""
}

// DeniedPattern is the regular expression (PCRE) that denies exactly what Denied
// does: it matches somewhere in "/" + name. For Apache, whose LocationMatch sees
// the decoded path, "^/data(?=/)(?s:.*)" goes before it.
func DeniedPattern() string {
	quote := strings.NewReplacer(".", `\.`)
	var suffixes []string
	for _, suffix := range leftoverSuffixes {
		suffixes = append(suffixes, quote.Replace(suffix))
	}
	for _, suffix := range programSuffixes {
		suffixes = append(suffixes, quote.Replace(suffix))
	}
	return `(?:/(?!` + quote.Replace(wellKnown) + `(?:/|\z))\.|(?i:` + strings.Join(suffixes, "|") + `)\z)`
}
