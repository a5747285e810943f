// KeySteps: how a request's target becomes a key, step by step.

package mapping

import "strings"

// KeyStep is one step on the way to a key that changed something.
type KeyStep struct {
	Did    string `json:"did"`    // what was done, in words
	Result string `json:"result"` // the path then; escaped bytes are still shown escaped
}

// KeySteps tells how ParseTarget comes to the key of a target: the steps that
// change it, in the order of the package comment. The last result is the key. A
// target that ParseTarget refuses has the steps that can be taken.
func KeySteps(raw string) []KeyStep {
	var steps []KeyStep
	path := raw
	step := func(did, result string) {
		if result != path {
			steps = append(steps, KeyStep{did, result})
			path = result
		}
	}
	if i := strings.IndexByte(path, '?'); i >= 0 {
		step("the query is no part of it", path[:i])
	}
	if rest, ok := cutScheme(path); ok {
		slash := strings.IndexByte(rest, '/')
		if slash < 0 {
			rest, slash = "/", 0
		}
		step("scheme and host are dropped", rest[slash:])
	}
	if path == "" || path[0] != '/' {
		return steps
	}
	step("percent escapes are decoded once and written in their one form", reescape(path))
	collapsed := path
	for strings.Contains(collapsed, "//") {
		collapsed = strings.ReplaceAll(collapsed, "//", "/")
	}
	step("runs of slashes become one", collapsed)
	step("dot segments are removed", withoutDots(path))
	return steps
}

// reescape writes every byte of a path as a key does, and leaves bad escapes and
// escaped slashes alone.
func reescape(path string) string {
	out := make([]byte, 0, len(path))
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c == '%' {
			d, ok := unhex(path, i)
			switch {
			case !ok:
				out = append(out, c)
				continue
			case d == '/':
				out = append(out, "%2F"...)
				i += 2
				continue
			}
			c = d
			i += 2
		}
		if c == '/' {
			out = append(out, c)
		} else {
			out = appendKeyByte(out, c)
		}
	}
	return string(out)
}

// withoutDots removes the dot segments of a path without empty ones (RFC 3986,
// section 5.2.4).
func withoutDots(path string) string {
	segments := strings.Split(path[1:], "/")
	kept := segments[:0]
	for i, s := range segments {
		last := i == len(segments)-1
		switch s {
		case ".", "..":
			if s == ".." && len(kept) > 0 {
				kept = kept[:len(kept)-1]
			}
			if last {
				kept = append(kept, "")
			}
		default:
			kept = append(kept, s)
		}
	}
	return "/" + strings.Join(kept, "/")
}
