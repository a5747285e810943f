package freeport_test

import (
	"net"
	"testing"

	"pagemap/scripts/freeport"
)

func TestFind(t *testing.T) {
	port, err := freeport.Find()
	if err != nil {
		t.Fatal(err)
	}
	addr := net.JoinHostPort("127.0.0.1", port)
	if c, err := net.Dial("tcp", addr); err == nil {
		c.Close()
		t.Fatalf("somebody listens on %s already", addr)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	// None that is taken is given again.
	for range 1000 {
		if again, err := freeport.Find(); err != nil || again == port {
			t.Fatalf("%q, %v", again, err)
		}
	}
}
