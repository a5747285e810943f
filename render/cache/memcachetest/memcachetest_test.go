package memcachetest

import (
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestLife(t *testing.T) {
	for _, tt := range []struct {
		name string
		o    Options
	}{
		{"unix socket", Options{}},
		{"TCP", Options{TCP: true, Megabytes: 8}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := Start(t, tt.o)
			store := func() {
				nc, err := net.Dial(s.network, s.address)
				if err != nil {
					t.Fatal(err)
				}
				defer nc.Close()
				if _, err := nc.Write([]byte("set k:/ 0 0 1\r\nv\r\n")); err != nil {
					t.Fatal(err)
				}
				answer := make([]byte, 8)
				if _, err := nc.Read(answer); err != nil || string(answer) != "STORED\r\n" {
					t.Fatalf("set: %q, %v", answer, err)
				}
			}
			store()
			if got := s.Keys(); !slices.Equal(got, []string{"k:/"}) {
				t.Errorf("Keys() = %q", got)
			}
			if got := s.Stat("cmd_set"); got != 1 {
				t.Errorf("cmd_set = %d", got)
			}

			s.Freeze()
			nc, err := net.Dial(s.network, s.address)
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			if _, err := nc.Write([]byte("version\r\n")); err != nil {
				t.Fatal(err)
			}
			answer := make([]byte, 64)
			if err := nc.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
				t.Fatal(err)
			}
			if n, err := nc.Read(answer); err == nil {
				t.Errorf("a frozen server answers %q", answer[:n])
			}
			s.Thaw()
			if err := nc.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
				t.Fatal(err)
			}
			if n, err := nc.Read(answer); err != nil || !strings.HasPrefix(string(answer[:n]), "VERSION ") {
				t.Errorf("a thawed server answers %q, %v", answer[:n], err)
			}

			addr := s.Addr()
			s.Kill()
			if nc, err := net.Dial(s.network, s.address); err == nil {
				nc.Close()
				t.Error("a killed server accepts")
			}
			s.Restart()
			if s.Addr() != addr {
				t.Errorf("Addr() = %q, was %q", s.Addr(), addr)
			}
			if got := s.Keys(); len(got) != 0 {
				t.Errorf("a restarted server has keys %q", got)
			}
		})
	}
}
