// The settings of the edge.

package config

import (
	"time"

	"pagemap/fcgi/edge"
	"pagemap/fcgi/site"
)

// checkEdge looks at the settings of the edge; fail makes its errors.
func (s *Settings) checkEdge(fail func(name, format string, args ...any) error) error {
	for _, text := range s.Edge {
		if _, err := edge.ParseCache(text); err != nil {
			return fail("edge", "%v", err)
		}
	}
	if s.EdgeMaxAge < time.Second || s.EdgeMaxAge > site.MaxEdgeAge || s.EdgeMaxAge%time.Second != 0 {
		return fail("edge-max-age", "%s is not 1s to %s in whole seconds", s.EdgeMaxAge, site.MaxEdgeAge)
	}
	if len(s.Edge) == 0 {
		return nil
	}
	if s.Site == "" {
		return fail("edge", "the caches are spoken to in the name of the site: set site too")
	}
	if s.EdgeSecretFile == "" {
		return fail("edge", "anybody could have the caches forget: set edge-secret-file too")
	}
	return nil
}

// EdgeSecret reads the secret of the edge's requests.
func (s *Settings) EdgeSecret() (string, error) {
	secret, err := ReadSecret(s.EdgeSecretFile)
	if err == nil {
		err = edge.CheckSecret(string(secret))
	}
	return string(secret), err
}
