// A row of the page table.

package mapping

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Origin says who made a row.
type Origin uint8

// The origins. Rows of OriginAuto and OriginPopulate are the tree's memory and
// rank as the file does; all others were made by a person or an import.
const (
	OriginAuto Origin = iota
	OriginPopulate
	OriginImport
	OriginAdmin
	OriginCLI
)

var originNames = [...]string{"auto", "populate", "import", "admin", "cli"}

// String is the origin's name as the database and the commands write it:
// auto, populate, import, admin, cli.
func (o Origin) String() string {
	if int(o) < len(originNames) {
		return originNames[o]
	}
	return fmt.Sprintf("Origin(%d)", uint8(o))
}

// ParseOrigin is the inverse of Origin.String. Its error is a *RowError.
func ParseOrigin(s string) (Origin, error) {
	for o, name := range originNames {
		if s == name {
			return Origin(o), nil
		}
	}
	return 0, &RowError{"origin", s, "is none of " + strings.Join(originNames[:], ", ")}
}

// Tree reports whether rows of this origin are the tree's memory.
func (o Origin) Tree() bool { return o <= OriginPopulate }

// Row is what resolving needs of a row; it is what every responder holds in
// memory, for every row.
type Row struct {
	Pattern   string // canonical text of a Pattern
	Source    string // text of a Source
	Change    int64  // number of the change that wrote the row
	Changed   int64  // when, in microseconds since 1970 UTC
	Status    uint16 // 200, 301, 302, 404, 410
	Origin    Origin
	DropQuery bool // a redirect that does not pass the request's query on
}

// Page is a whole row, as maintainers see it.
type Page struct {
	Row
	Tags      []string
	Note      string
	ChangedBy string
}

// ChangedAt is Changed as a time.
func (r *Row) ChangedAt() time.Time { return time.UnixMicro(r.Changed).UTC() }

// Change is one row's change, as the feed of the database delivers it.
type Change struct {
	Pattern string
	Row     *Row // nil: the row was removed
}

// SourceKind says what kind of thing a row's source names.
type SourceKind uint8

// The kinds of source.
const (
	SourceNone SourceKind = iota // 404, 410
	SourceFile                   // 200 file:/path/in/tree ; Ref is a Path: percent-encoded as a key
	SourceWiki                   // 200 wiki:Page name
	SourceURL                    // 301, 302, and a 410's suggestion: http://, https:// or a site path
)

// Source is a row's parsed source.
type Source struct {
	Kind SourceKind
	Ref  string
}

// ParseSource parses the text of a source, the empty one too. It tells the
// kinds apart; whether a reference is allowed is for Hosts.Clean. Its error is
// a *RowError.
func ParseSource(s string) (Source, error) {
	switch {
	case s == "":
		return Source{}, nil
	case strings.HasPrefix(s, "file:/"):
		return Source{SourceFile, s[len("file:"):]}, nil
	case strings.HasPrefix(s, "wiki:") && len(s) > len("wiki:"):
		return Source{SourceWiki, s[len("wiki:"):]}, nil
	case strings.HasPrefix(s, "http://"), strings.HasPrefix(s, "https://"), sitePath(s):
		return Source{SourceURL, s}, nil
	}
	return Source{}, &RowError{"source", s, `is none of "file:/path", "wiki:Page name", "http://...", "https://..." and "/path"`}
}

// sitePath reports whether s starts with exactly one slash.
func sitePath(s string) bool {
	return strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "//") && !strings.HasPrefix(s, `/\`)
}

// String is the text of s.
func (s Source) String() string {
	switch s.Kind {
	case SourceFile:
		return "file:" + s.Ref
	case SourceWiki:
		return "wiki:" + s.Ref
	}
	return s.Ref
}

// ErrBadRow is what every *RowError is, for errors.Is.
var ErrBadRow = errors.New("mapping: bad row")

// RowError says which field of a row is refused, and the way out.
type RowError struct {
	Field   string // "path", "status", "source", "origin" or "drop query"
	Value   string // as it was given
	Problem string // what is wrong with it and what to write instead
}

// Error names the field, its value, and the way out.
func (e *RowError) Error() string {
	return fmt.Sprintf("mapping: %s %q: %s", e.Field, clip(e.Value), e.Problem)
}

// Unwrap is ErrBadRow.
func (e *RowError) Unwrap() error { return ErrBadRow }
