// The server that the tests of one binary share.

package pgtest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// shared is started by the first test that needs it.
var shared struct {
	once   sync.Once
	server *Server
	err    error
	last   atomic.Int64 // number of the last database
}

// Run runs the tests and ends the shared server: TestMain is
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }
func Run(m *testing.M) int {
	defer func() {
		if shared.server != nil {
			shared.server.close()
		}
	}()
	return m.Run()
}

// Shared is the server that the tests of this binary share. They must leave it
// running; what a test changes, it changes in its own Database.
func Shared(t testing.TB) *Server {
	t.Helper()
	shared.once.Do(func() {
		if shared.server, shared.err = newServer(Options{}); shared.err != nil {
			return
		}
		if shared.err = shared.server.init(); shared.err == nil {
			shared.err = shared.server.Start()
		}
	})
	need(t, shared.err)
	return shared.server
}

// Database creates an empty database on the shared server, dropped when the
// test ends, and returns its connection string.
func Database(t testing.TB) string {
	t.Helper()
	s := Shared(t)
	name := s.CreateDatabase(t)
	t.Cleanup(func() {
		if _, err := s.SQL("postgres", "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return s.DSN(name)
}

// CreateDatabase creates an empty database and returns its name.
func (s *Server) CreateDatabase(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test%d", shared.last.Add(1))
	if _, err := s.SQL("postgres", "CREATE DATABASE "+name+" TEMPLATE template0"); err != nil {
		t.Fatal(err)
	}
	return name
}
