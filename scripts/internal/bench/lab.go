// lab: the directory that everything lives in, and the servers as child processes.

package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/template"
	"time"
)

//go:embed conf
var confFiles embed.FS

var confTemplates = template.Must(template.ParseFS(confFiles, "conf/*.*"))

// lab is where a run takes place. All servers are its children: they live in one
// directory, listen on loopback, and end with the run, however it ends.
type lab struct {
	dir    string // short, readable for everybody
	source string // pagemap's source, for deploy/apache
	bin    string // the programs built from it
	user   string
	uid    int // of user; -1: the run's own
	gid    int

	children []*process // in the order of their start
}

// newLab makes the directory. Started by root, servers run as www-data.
func newLab(source, bin string) (*lab, error) {
	source, err := filepath.Abs(source)
	if err != nil {
		return nil, err
	}
	if bin, err = filepath.Abs(bin); err != nil {
		return nil, err
	}
	l := &lab{source: source, bin: bin, uid: -1, gid: -1}
	name := ""
	if os.Geteuid() == 0 {
		name = "www-data"
	}
	u, err := user.Current()
	if name != "" {
		u, err = user.Lookup(name)
	}
	if err != nil {
		return nil, err
	}
	l.user = u.Username
	if name != "" {
		if l.uid, err = strconv.Atoi(u.Uid); err != nil {
			return nil, err
		}
		if l.gid, err = strconv.Atoi(u.Gid); err != nil {
			return nil, err
		}
	}
	if l.dir, err = os.MkdirTemp("", "pmbench"); err != nil {
		return nil, err
	}
	return l, errors.Join(os.Chmod(l.dir, 0o755), os.Chown(l.dir, l.uid, l.gid))
}

// close stops every server, the youngest first, and removes the directory.
func (l *lab) close() error {
	var errs []error
	for _, p := range slices.Backward(l.children) {
		errs = append(errs, p.stop())
	}
	return errors.Join(append(errs, os.RemoveAll(l.dir))...)
}

// place makes a directory for a server, which may write there.
func (l *lab) place(name string) (string, error) {
	dir := filepath.Join(l.dir, name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	return dir, os.Chown(dir, l.uid, l.gid)
}

// conf writes a file of conf, with values put in, and returns its name.
func (l *lab) conf(dir, name string, values any) (string, error) {
	file := filepath.Join(dir, name)
	f, err := os.Create(file)
	if err != nil {
		return "", err
	}
	return file, errors.Join(confTemplates.ExecuteTemplate(f, name, values), f.Close())
}

// command is a program's call as the servers' user.
func (l *lab) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = l.dir
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + l.dir, "LC_ALL=C"}
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if l.uid >= 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(l.uid), Gid: uint32(l.gid)}
	}
	return cmd
}

// run runs a program to its end. The error has what it said.
func (l *lab) run(ctx context.Context, program string, args ...string) error {
	cmd := l.command(ctx, program, args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, tail(string(out)))
	}
	return nil
}

// process is a server.
type process struct {
	name   string
	cmd    *exec.Cmd
	log    string
	signal os.Signal     // that ends it
	exited chan struct{} // closed once it is gone
	end    error         // how, after that
}

// start starts a server and waits until ready is nil. A server that has to be
// root, as Apache, gives itself another user.
func (l *lab) start(ctx context.Context, name string, asUser bool, ready func() error, program string, args ...string) (*process, error) {
	// Not bound to ctx: it is ended by stop, in its turn.
	cmd := l.command(context.WithoutCancel(ctx), program, args...)
	if !asUser {
		cmd.SysProcAttr.Credential = nil
	}
	// A key pressed in the terminal reaches the run alone; a run that is killed takes its servers with it.
	cmd.SysProcAttr.Setpgid = true
	cmd.SysProcAttr.Pdeathsig = syscall.SIGTERM
	log, err := os.Create(filepath.Join(l.dir, name+".log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p := &process{name: name, cmd: cmd, log: log.Name(), signal: syscall.SIGTERM, exited: make(chan struct{})}
	l.children = append(l.children, p)
	go func() {
		p.end = cmd.Wait()
		close(p.exited)
	}()
	if err := p.await(ctx, time.Minute, ready); err != nil {
		return nil, fmt.Errorf("%s did not start: %w\n%s", name, err, p.said())
	}
	return p, nil
}

// await asks ready until it is nil.
func (p *process) await(ctx context.Context, limit time.Duration, ready func() error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-p.exited:
			return fmt.Errorf("it ended: %w", p.end)
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stop ends the server, by force after half a minute.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(p.signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stopping %s: %w", p.name, err)
	}
	select {
	case <-p.exited:
		return nil
	case <-time.After(30 * time.Second):
	}
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("killing %s: %w", p.name, err)
	}
	<-p.exited
	return fmt.Errorf("%s did not stop and was killed", p.name)
}

// said is the end of what the server wrote.
func (p *process) said() string {
	text, _ := os.ReadFile(p.log)
	return tail(string(text))
}

// logs shows what every server said last.
func (l *lab) logs(w io.Writer) {
	for _, pattern := range []string{"*.log", "*/error.log"} {
		files, err := filepath.Glob(filepath.Join(l.dir, pattern))
		if err != nil {
			continue // the pattern is a good one
		}
		for _, file := range files {
			if text, err := os.ReadFile(file); err == nil && len(text) > 0 {
				fmt.Fprintf(w, "--- %s\n%s\n", file, tail(string(text)))
			}
		}
	}
}

// tail is the last lines of a text.
func tail(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-10):], "\n")
}

// connects tells whether somebody listens at an address.
func connects(network, addr string) func() error {
	return func() error {
		c, err := net.DialTimeout(network, addr, time.Second) //nolint:noctx // has a time limit
		if err != nil {
			return err
		}
		return c.Close()
	}
}
