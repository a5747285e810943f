package cache

import (
	"testing"
	"time"
)

func TestPatience(t *testing.T) {
	var p patience
	now := time.Unix(1000, 0)
	allowed := func(want, wantProbe bool) bool {
		t.Helper()
		probe, ok := p.allow(now)
		if ok != want || probe != wantProbe {
			t.Fatalf("allow = probe %v, ok %v; want %v, %v", probe, ok, wantProbe, want)
		}
		return probe
	}
	late := allowed(true, false) // under way when the server fails
	if pause, first := p.failed(allowed(true, false), now); pause != firstPause || !first {
		t.Fatalf("first failure: %v, %v", pause, first)
	}
	if pause, first := p.failed(late, now.Add(time.Millisecond)); pause != firstPause || first {
		t.Errorf("a failure of the same moment: %v, %v", pause, first)
	}
	if p.succeeded(late) || !p.waiting() {
		t.Error("a success that began before the failure ends the back-off")
	}
	allowed(false, false)

	pause := firstPause
	for pause < lastPause {
		now = now.Add(pause - 1)
		allowed(false, false)
		now = now.Add(1)
		probe := allowed(true, true)
		allowed(false, false) // one at a time
		pause = min(2*pause, lastPause)
		if got, first := p.failed(probe, now); got != pause || first {
			t.Fatalf("pause %v, want %v", got, pause)
		}
	}
	now = now.Add(lastPause)
	if got, _ := p.failed(allowed(true, true), now); got != lastPause {
		t.Errorf("pause %v grows beyond %v", got, lastPause)
	}
	now = now.Add(lastPause)
	if !p.succeeded(allowed(true, true)) || p.waiting() {
		t.Error("a success does not end the back-off")
	}
	if pause, first := p.failed(allowed(true, false), now); pause != firstPause || !first {
		t.Errorf("failure after the return: %v, %v", pause, first)
	}
}
