// apache: the configuration that puts the site behind Apache.

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pagemap/cmd/internal/config"
	"pagemap/deploy/apache"
)

func (a *app) apache() *cobra.Command {
	var o apache.Options
	var module string
	cmd := &cobra.Command{
		Use:   "apache",
		Short: "Print Apache's configuration for the current settings",
		Long: `apache prints one configuration file. Included as the last line of the site's
virtual host it puts the site behind pagemap; without it the site is as before.

How Apache reaches the responders follows from the settings: --listen unix:PATH
is a socket, tcp:HOST:PORT a port. With --member it is a balancer over several
hosts, with --module fcgid Apache starts the responders by itself. With --edge
Apache answers hot pages itself; the settings edge and edge-secret-file then have
the responders tell it of each change.

What .htaccess files of the tree restrict is printed as rules for /data, so print
it anew when they change.`,
		Example: `  pagemapctl apache > /etc/apache2/pagemap.conf
  pagemapctl apache --member app1:9000 --member app2:9000
  pagemapctl apache --edge
  (umask 077; pagemapctl apache --admin form > /etc/apache2/pagemap.conf)
  pagemapctl apache --module fcgid`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			files, err := a.tree()
			if err != nil {
				return err
			}
			defer files.Close()
			if o.Tree, err = realpath(a.settings.Tree); err != nil {
				return err
			}
			if o.Restrictions, err = files.Restrictions(cmd.Context()); err != nil {
				return err
			}
			if err := a.way(&o, module); err != nil {
				return err
			}
			if err := a.adminPage(&o); err != nil {
				return err
			}
			return apache.Render(a.out, o)
		},
	}
	cmd.Flags().StringVar(&module, "module", "proxy_fcgi", "proxy_fcgi, or fcgid for hosting that runs no daemons")
	cmd.Flags().StringSliceVar(&o.Members, "member", nil, "responders on several hosts: `HOST:PORT` of each")
	cmd.Flags().BoolVar(&o.Edge, "edge", false, "answer hot pages from Apache's shared memory")
	cmd.Flags().StringVar(&o.Admin, "admin", "", "with the admin page, signed in to by `WAY`: basic, form or ldap; what is printed then holds its secret")
	cmd.Flags().StringVar(&o.AdminUsers, "admin-users", "", "password `FILE` of the admin page's users, as htpasswd makes it")
	cmd.Flags().StringVar(&o.AdminLDAP, "admin-ldap", "", "`URL` where the admin page's users are looked up, as AuthLDAPURL has it")
	cmd.Flags().StringVar(&o.ACME, "acme", "", "webroot `DIR` of the certificate client")
	return cmd
}

// way fills in how Apache reaches the responders.
func (a *app) way(o *apache.Options, module string) error {
	s := a.settings
	o.TTL = seconds(s.ConnectionTTL)
	o.EdgeAge = seconds(s.EdgeMaxAge)
	o.Timeout = seconds(s.RequestTimeout) + 5 // the responder's own answer comes first
	network, address, _ := strings.Cut(s.Listen, ":")
	switch {
	case module == "fcgid":
		if o.Edge {
			return usagef("--edge needs --module proxy_fcgi")
		}
		o.Way = apache.FCGID
		self, err := os.Executable()
		if err != nil {
			return err
		}
		o.Bin = filepath.Dir(self)
		if s.File() != "" {
			if o.Config, err = filepath.Abs(s.File()); err != nil {
				return err
			}
		}
	case module != "proxy_fcgi":
		return usagef("--module %s: proxy_fcgi or fcgid", module)
	case len(o.Members) > 0:
		o.Way = apache.Balancer
	case s.Listen == "" || network == "systemd":
		o.Way = apache.Socket
	case network == "unix":
		o.Way, o.Socket = apache.Socket, address
	case network == "tcp":
		o.Way, o.Address = apache.TCP, address
	default:
		return usagef("--listen %s: Apache cannot reach an inherited descriptor; with --module fcgid leave it out", s.Listen)
	}
	return nil
}

// adminPage fills in how the admin page is reached.
func (a *app) adminPage(o *apache.Options) error {
	if o.Admin == "" {
		return nil
	}
	if a.settings.AdminPage == "" {
		return usagef("--admin: where is the admin page? Set admin-page")
	}
	secret, err := config.ReadSecret(a.settings.AdminPageSecret)
	if err != nil {
		return err
	}
	if o.Admin == "ldap" && o.AdminLDAP == "" {
		return usagef("--admin ldap: say where users are looked up, with --admin-ldap ldaps://HOST/BASE?uid")
	}
	o.AdminPath, o.AdminSecret = strings.TrimSuffix(a.settings.AdminPage, "/"), string(secret)
	return nil
}

// seconds rounds up.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// realpath is a directory's absolute path without symbolic links.
func realpath(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("tree: %w", err)
	}
	return filepath.EvalSymlinks(abs)
}
