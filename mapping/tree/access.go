// scope: the access directives of one scope of an .htaccess, and their verdict.

package tree

import (
	"slices"
	"strings"
)

// scope gathers the access directives of the directory or of one section.
type scope struct {
	files *filePattern // names it applies to; nil: all

	groups   []group // open groups of requirements, the outermost first
	requires []verdict
	required []Directive // Require directives and groups

	order    string // of Order, lower case: "allow,deny"; "" without one
	allowAll bool
	denyAll  bool
	compat   []Directive // Order, Allow, Deny

	auth []Directive // Auth…, Satisfy
	ssl  []Directive // SSLRequire, SSLVerifyClient
}

// verdict is what a requirement makes of an unknown visitor.
type verdict uint8

const (
	refuses verdict = iota // refuses unless more is known
	some                   // lets visitors with an address, name or mark in
	ban                    // turns such visitors away and no others
	grants                 // lets everybody in
)

// group is RequireAll, RequireAny or RequireNone.
type group struct {
	name     string // lower case
	opened   Directive
	verdicts []verdict
}

// directive takes an access directive and reports whether it was one.
func (s *scope) directive(d Directive, name, args string) bool {
	w := words(strings.ToLower(args))
	switch {
	case name == "require":
		s.required = append(s.required, d)
		s.require(requirement(w))
	case name == "order":
		s.compat = append(s.compat, d)
		s.order = strings.Join(w, "")
	case name == "allow":
		s.compat = append(s.compat, d)
		s.allowAll = s.allowAll || slices.Contains(from(w), "all")
	case name == "deny":
		s.compat = append(s.compat, d)
		s.denyAll = s.denyAll || slices.ContainsFunc(from(w), everybody)
	case name == "satisfy", strings.HasPrefix(name, "auth"):
		s.auth = append(s.auth, d)
	case name == "sslrequire", name == "sslverifyclient" && !slices.Equal(w, []string{"none"}):
		s.ssl = append(s.ssl, d)
	default:
		return false
	}
	return true
}

// from is what follows the word "from"; all words without it.
func from(w []string) []string {
	if len(w) > 0 && w[0] == "from" {
		return w[1:]
	}
	return w
}

// everybody reports whether an argument of Deny means all visitors, or all but some.
func everybody(arg string) bool {
	return arg == "all" || strings.HasPrefix(arg, "env=!") ||
		strings.HasSuffix(arg, "/0") || strings.HasSuffix(arg, "/0.0.0.0")
}

// requirement is the verdict of one Require, given its words in lower case.
func requirement(w []string) verdict {
	if slices.Equal(w, []string{"all", "granted"}) {
		return grants
	}
	negated := len(w) > 0 && w[0] == "not"
	if negated {
		w = w[1:]
	}
	if len(w) < 2 || !slices.Contains([]string{"ip", "host", "forward-dns", "env", "user", "group"}, w[0]) ||
		slices.ContainsFunc(w[1:], everybody) {
		return refuses
	}
	if negated {
		return ban
	}
	return some
}

// require adds a verdict to the innermost open group.
func (s *scope) require(v verdict) {
	if n := len(s.groups); n > 0 {
		s.groups[n-1].verdicts = append(s.groups[n-1].verdicts, v)
	} else {
		s.requires = append(s.requires, v)
	}
}

func (s *scope) openGroup(name string, d Directive) {
	s.groups = append(s.groups, group{name: name, opened: d})
	s.required = append(s.required, d)
}

func (s *scope) closeGroup() {
	n := len(s.groups) - 1
	g := s.groups[n]
	s.groups = s.groups[:n]
	s.require(g.verdict())
}

// verdict of a group.
func (g *group) verdict() verdict {
	has := func(v verdict) bool { return slices.Contains(g.verdicts, v) }
	switch g.name {
	case "requireall":
		if has(grants) && !has(refuses) && !has(some) {
			return grants
		}
	case "requireany":
		if has(grants) {
			return grants
		}
	case "requirenone":
		if has(some) && !has(refuses) && !has(grants) && !has(ban) {
			return ban
		}
	}
	return refuses
}

// restricts reports whether the scope keeps unknown visitors out, and by which directive.
func (s *scope) restricts() (by Directive, restricted bool) {
	granted := slices.Contains(s.requires, grants)
	open := s.compatOpen()
	switch {
	case len(s.requires) > 0 && !granted:
		return s.required[0], true
	case !open:
		return s.compat[0], true
	case len(s.ssl) > 0:
		return s.ssl[0], true
	case len(s.auth) > 0 && !granted && !s.allowAll:
		return s.auth[0], true
	}
	return Directive{}, false
}

// compatOpen reports whether Order, Allow and Deny let everybody in, but for bans.
func (s *scope) compatOpen() bool {
	switch s.order {
	case "", "deny,allow":
		return !s.denyAll || s.allowAll
	case "allow,deny", "mutual-failure":
		return s.allowAll && !s.denyAll
	}
	return false
}

// lost are the access directives of a scope that is public all the same: bans, and
// preparations for a password that nothing asks for.
func (s *scope) lost() []Directive {
	if _, restricted := s.restricts(); restricted {
		return nil
	}
	lost := slices.Clone(s.auth)
	for _, d := range s.required {
		_, args := word(d.Text)
		if d.Name[0] != '<' && requirement(words(strings.ToLower(args))) != grants {
			lost = append(lost, d)
		}
	}
	undone := s.allowAll && s.order != "allow,deny" && s.order != "mutual-failure"
	for _, d := range s.compat {
		if strings.EqualFold(d.Name, "Deny") && !undone {
			lost = append(lost, d)
		}
	}
	return lost
}
