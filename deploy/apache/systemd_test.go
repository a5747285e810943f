package apache_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The units have no unknown directive, and are as closed as they say.
func TestSystemdUnits(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"pagemap.service", "pagemap.socket"} {
		unit, err := os.ReadFile(filepath.Join("systemd", name))
		if err != nil {
			t.Fatal(err)
		}
		// The program need not be installed.
		text := strings.ReplaceAll(string(unit), "/usr/local/bin/pagemapd", "/bin/true")
		write(t, filepath.Join(dir, name), text)
	}
	service := filepath.Join(dir, "pagemap.service")
	out, err := exec.Command(analyze, "verify", service, filepath.Join(dir, "pagemap.socket")).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	// Exposure from 0 (closed) to 100, as a whole number.
	out, err = exec.Command(analyze, "security", "--offline=true", "--threshold=20", service).CombinedOutput()
	if err != nil {
		t.Errorf("systemd-analyze security: %v\n%s", err, out)
	}
}
