// Starting each kind of server.

package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"pagemap/scripts/freeport"
)

// apache starts an Apache with the modules and settings of deploy/apache/private.conf,
// the same for all, and a virtual host from a file of conf. It returns its address.
func (l *lab) apache(ctx context.Context, name, conf string, values map[string]any, args ...string) (*process, string, error) {
	dir, err := l.place(name)
	if err != nil {
		return nil, "", err
	}
	port, err := freeport.Find()
	if err != nil {
		return nil, "", err
	}
	values["Dir"] = dir
	site, err := l.conf(dir, conf, values)
	if err != nil {
		return nil, "", err
	}
	shipped := filepath.Join(l.source, "deploy/apache")
	all := []string{"-DFOREGROUND", "-d", dir, "-f", filepath.Join(shipped, "private.conf")}
	for _, define := range [][2]string{{"PRIVATE_DIR", dir}, {"PRIVATE_PORT", port}, {"PRIVATE_SITE", site}, {"PAGEMAP_CONF", shipped}} {
		all = append(all, "-C", fmt.Sprintf("Define %s %q", define[0], define[1]))
	}
	addr := net.JoinHostPort("127.0.0.1", port)
	p, err := l.start(ctx, name, false, connects("tcp", addr), "apache2", append(all, args...)...)
	if err != nil {
		text, _ := os.ReadFile(filepath.Join(dir, "error.log"))
		return nil, "", fmt.Errorf("%w\n%s", err, tail(string(text)))
	}
	return p, addr, nil
}

// memcached starts one of 64 MB on a unix socket.
func (l *lab) memcached(ctx context.Context, name string) (*process, string, error) {
	socket := filepath.Join(l.dir, name+".sock")
	p, err := l.start(ctx, name, true, connects("unix", socket), "memcached", "-s", socket, "-a", "600", "-m", "64")
	return p, socket, err
}

// flush makes a memcached forget everything.
func flush(socket string) error {
	c, err := net.DialTimeout("unix", socket, time.Second) //nolint:noctx // has a time limit
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	if _, err := c.Write([]byte("flush_all\r\n")); err != nil {
		return err
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	if err == nil && line != "OK\r\n" {
		err = fmt.Errorf("memcached answered flush_all with %q", line)
	}
	return err
}

// postgresql starts a server on a unix socket in the lab's directory.
func (l *lab) postgresql(ctx context.Context) (*process, error) {
	programs, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(programs) == 0 {
		return nil, errors.Join(errors.New("no /usr/lib/postgresql/*/bin"), err)
	}
	bin := programs[len(programs)-1]
	dir, err := l.place("data")
	if err != nil {
		return nil, err
	}
	if err := l.run(ctx, filepath.Join(bin, "initdb"), "--pgdata", dir, "--username", l.user, "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync"); err != nil {
		return nil, err
	}
	ready := func() error {
		return l.run(ctx, filepath.Join(bin, "pg_isready"), "--quiet", "--host", l.dir)
	}
	p, err := l.start(ctx, "postgresql", true, ready, filepath.Join(bin, "postgres"), "-D", dir,
		"-c", "listen_addresses=", "-c", "unix_socket_directories="+l.dir, "-c", "unix_socket_permissions=0700")
	if err != nil {
		return nil, err
	}
	p.signal = syscall.SIGINT // on SIGTERM it would wait for its sessions
	return p, nil
}

// dsn is how pagemap reaches a database of the server.
func (l *lab) dsn(database string) string {
	return fmt.Sprintf("host='%s' user=%s dbname=%s sslmode=disable", l.dir, l.user, database)
}

// responder starts a program of this package that serves the hot page as FastCGI.
func (l *lab) responder(ctx context.Context, name string, s *site) (*process, string, error) {
	socket := filepath.Join(l.dir, name+".sock")
	p, err := l.start(ctx, name, true, connects("unix", socket), filepath.Join(l.bin, name), socket, filepath.Join(s.dir, hotPath))
	return p, socket, err
}

// varnish starts Varnish with a file of VCL and room for as much as pagemap's two
// tiers have together, and returns its address.
func (l *lab) varnish(ctx context.Context, name, vcl string, args ...string) (*process, string, error) {
	port, err := freeport.Find()
	if err != nil {
		return nil, "", err
	}
	dir, err := l.place(name)
	if err != nil {
		return nil, "", err
	}
	addr := net.JoinHostPort("127.0.0.1", port)
	p, err := l.start(ctx, name, true, connects("tcp", addr), "varnishd",
		append([]string{"-F", "-n", dir, "-a", addr, "-T", "none", "-f", vcl, "-s", "malloc,128m"}, args...)...)
	return p, addr, err
}

// nginx starts nginx in front of the responders on a socket, and returns its address.
func (l *lab) nginx(ctx context.Context, socket string) (*process, string, error) {
	port, err := freeport.Find()
	if err != nil {
		return nil, "", err
	}
	dir, err := l.place("nginx")
	if err != nil {
		return nil, "", err
	}
	conf, err := l.conf(dir, "nginx.conf", map[string]any{"Dir": dir, "Port": port, "Socket": socket})
	if err != nil {
		return nil, "", err
	}
	addr := net.JoinHostPort("127.0.0.1", port)
	p, err := l.start(ctx, "nginx", true, connects("tcp", addr), "nginx", "-p", dir, "-e", filepath.Join(dir, "error.log"), "-c", conf)
	return p, addr, err
}

// settings writes a settings file of pagemap.
func (l *lab) settings(name string, lines ...string) (string, error) {
	file := filepath.Join(l.dir, name+".conf")
	return file, os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o644)
}

// secret writes a file with a secret of the servers' user.
func (l *lab) secret(name string) (string, error) {
	file := filepath.Join(l.dir, name+".secret")
	return file, errors.Join(os.WriteFile(file, []byte(rand.Text()+"\n"), 0o600), os.Chown(file, l.uid, l.gid))
}
