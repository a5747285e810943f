// JSON output, one form for all commands.

package main

import (
	"encoding/json"
	"io"
)

// writeJSON writes v indented, with URLs as they are.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
