// Statuses of other programs.

package exchange

import (
	"fmt"
	"strconv"
	"strings"
)

// rowStatus is the status that a row has in place of one of another program, a
// note where they differ, and what is wrong with one that has no counterpart.
func rowStatus(code int) (status uint16, note, problem string) {
	switch code {
	case 200, 301, 302, 404, 410:
		return uint16(code), "", ""
	case 308:
		return 301, "308 read as 301", ""
	case 303, 307:
		return 302, strconv.Itoa(code) + " read as 302", ""
	}
	return 0, "", fmt.Sprintf("status %d: a row is one of 200, 301, 302, 404, 410; 308 is read as 301, 303 and 307 as 302", code)
}

// parseStatus is rowStatus of a text, which may also be a word of Apache's.
func parseStatus(text string) (status uint16, note, problem string) {
	text = strings.TrimSpace(text)
	switch strings.ToLower(text) {
	case "permanent":
		return 301, "", ""
	case "temp":
		return 302, "", ""
	case "seeother":
		return rowStatus(303)
	case "gone":
		return 410, "", ""
	}
	code, err := strconv.Atoi(text)
	if err != nil || len(text) != 3 {
		return 0, "", fmt.Sprintf("status %q is none of 200, 301, 302, 404, 410", clip(text))
	}
	return rowStatus(code)
}
