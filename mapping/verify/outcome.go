// Outcome: what a URL answers, followed to its end.

package verify

import (
	"context"
	"slices"
	"strings"

	"pagemap/mapping"
)

// MaxHops is the number of redirects that are followed.
const MaxHops = 10

// Answer is what one request is answered.
type Answer struct {
	Status   int
	Location string // of a redirect: a site path, or a URL on another host
	Type     string // Content-Type
	Hash     string // of the body where it was asked for and is there
	Error    string // no answer came, and why; then Status is 0
}

// Asker asks a site. It is safe for concurrent use.
type Asker interface {
	// Ask asks for a target (path and query, as a client sends it). With body, the
	// body of a page is read and hashed. The error is ctx's alone.
	Ask(ctx context.Context, target string, body bool) (Answer, error)
}

// Outcome is what a URL answers in the end.
type Outcome struct {
	Status    int    `json:"status,omitempty"`     // of the first answer; 0: there was none, or of what is expected: it works
	Location  string `json:"location,omitempty"`   // of the first answer
	Hops      int    `json:"hops,omitempty"`       // redirects followed on the site, and the one that leaves it
	End       string `json:"end,omitempty"`        // where a redirect ends; "" where it is none
	EndStatus int    `json:"end_status,omitempty"` // there; 0 on another host
	Type      string `json:"type,omitempty"`       // Content-Type of the page at the end
	Hash      string `json:"hash,omitempty"`       // of its bytes, "" where it was not read
	Error     string `json:"error,omitempty"`      // "loop", or why no answer came
}

const errorLoop = "loop"

func redirect(status int) bool {
	return slices.Contains([]int{301, 302, 303, 307, 308}, status)
}

func permanent(status int) bool { return status == 301 || status == 308 }

// site reports whether a location is a path of the site.
func site(location string) bool {
	return strings.HasPrefix(location, "/") && !strings.HasPrefix(location, "//")
}

// Follow asks for a target and goes where it leads. dataPrefix is where data
// resources are.
func Follow(ctx context.Context, a Asker, target, dataPrefix string, body bool) (Outcome, error) {
	first, err := a.Ask(ctx, target, body)
	if err != nil {
		return Outcome{}, err
	}
	o := Outcome{Status: first.Status, Location: first.Location, Error: first.Error}
	at, answer := target, first
	seen := []string{target}
	for redirect(answer.Status) {
		if answer.Location == "" {
			o.Error = "a redirect without a location"
			return o, nil
		}
		from := at
		at, _, _ = strings.Cut(answer.Location, "#")
		if !isOwnPlace(from, at, dataPrefix) {
			o.Hops++
		}
		o.End = at
		if !site(at) {
			return o, nil
		}
		if slices.Contains(seen, at) || len(seen) > MaxHops {
			o.Error = errorLoop
			return o, nil
		}
		seen = append(seen, at)
		if answer, err = a.Ask(ctx, at, body); err != nil {
			return Outcome{}, err
		}
		if answer.Error != "" {
			o.Error = answer.Error
			return o, nil
		}
	}
	if o.End != "" {
		o.EndStatus = answer.Status
	}
	if answer.Status == 200 {
		o.Type, o.Hash = answer.Type, answer.Hash
	}
	return o, nil
}

// isOwnPlace reports whether a redirect leads a data resource to its place.
func isOwnPlace(from, to, dataPrefix string) bool {
	rest, ok := strings.CutPrefix(to, dataPrefix)
	if !ok {
		return false
	}
	asked, err := mapping.ParseTarget(from)
	if err != nil {
		return false
	}
	place, err := mapping.ParseTarget(rest)
	return err == nil && place.Path == asked.Path
}

// works reports whether the outcome is a page, or a redirect that ends at one or
// leaves the site.
func (o *Outcome) works() bool {
	switch {
	case o.Error != "":
		return false
	case redirect(o.Status):
		return o.EndStatus == 0 || o.EndStatus == 200
	}
	return o.Status/100 == 2
}
