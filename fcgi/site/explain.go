// Explaining an answer.

package site

import "pagemap/mapping"

// Explain resolves a target as a request for it would be, and tells every step.
// Without a table yet it is as with an empty one.
func (s *Site) Explain(t mapping.Target) (mapping.Answer, []mapping.Step) {
	if rv := s.current(); rv != nil {
		return rv.Explain(t)
	}
	return new(mapping.Resolver).Explain(t)
}
