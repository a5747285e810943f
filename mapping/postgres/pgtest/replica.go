// A streaming replica of a server.

package pgtest

import "testing"

// Replica starts a server that replicates s asynchronously, reads only, and
// ends with the test.
func (s *Server) Replica(t testing.TB) *Server {
	t.Helper()
	r, err := newServer(Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.close)
	if _, err := s.Run("pg_basebackup", "-D", r.data(), "-d", s.DSN("postgres"), "-R", "-X", "stream", "--checkpoint=fast", "--no-sync"); err != nil {
		t.Fatal(err)
	}
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	return r
}

// Promote makes a replica a server of its own, which takes writes.
func (s *Server) Promote(t testing.TB) {
	t.Helper()
	if _, err := s.SQL("postgres", "SELECT pg_promote()"); err != nil {
		t.Fatal(err)
	}
}
