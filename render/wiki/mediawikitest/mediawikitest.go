// Package mediawikitest starts real MediaWikis for tests, from Debian's package, with SQLite and PHP's
// built-in web server. A test without it on its machine is skipped, or fails where the
// environment has CI set.
//
// Each wiki starts with nothing but its main page, as a copy of a database that is made once in a test
// process. Its articles are at /wiki/TITLE, its API is at /api.php. Everybody may read it; only those who are logged
// in may write. Jobs, such as those that follow the edit of a template, run
// behind the answer to the request that causes them; they have run when a method of [Server] returns. Images on other sites may be shown ($wgAllowExternalImages).
package mediawikitest

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"pagemap/render/wiki/phptest"
)

const (
	program = "/usr/share/mediawiki"

	// User and Password are the credentials of a bot that may read, write, delete, move and upload.
	User     = "Admin@pagemap"
	Password = "0123456789abcdef0123456789abcdef"
)

// Options of Start. The zero value is a public wiki whose jobs run at once.
type Options struct {
	Settings string // PHP, put at the end of the wiki's settings
}

// Server is a running MediaWiki. Its methods are for one goroutine at a time, and end the test where
// they fail.
type Server struct {
	*phptest.Site
	tb     testing.TB
	dir    string
	client *client // nil until something is written
}

// Start starts a wiki, and ends it with the test.
func Start(tb testing.TB, o Options) *Server {
	tb.Helper()
	phptest.Need(tb, program+"/maintenance/install.php", "mediawiki")
	template.once.Do(func() { template.files, template.err = install() })
	if template.err != nil {
		tb.Fatalf("mediawikitest: %v", template.err)
	}
	dir, err := os.MkdirTemp("", "pm")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { os.RemoveAll(dir) })
	s := &Server{tb: tb, dir: dir}
	if err := s.lay(); err != nil {
		tb.Fatalf("mediawikitest: %v", err)
	}
	s.Site = phptest.Start(tb, phptest.Options{
		Root:   filepath.Join(dir, "root"),
		Router: filepath.Join(dir, "router.php"),
		Env:    s.env(),
		Args:   []string{"-d", "post_max_size=64M", "-d", "upload_max_filesize=64M", "-d", "variables_order=EGPCS"},
		Log:    filepath.Join(dir, "log"),
		Ready:  "/api.php?action=query&format=json",
		Setup: func(url string) error {
			settings := fmt.Sprintf(settingsFormat, url, dir) + o.Settings
			return os.WriteFile(filepath.Join(dir, "LocalSettings.php"), []byte(settings), 0o600)
		},
	})
	return s
}

// API is the URL of the wiki's API.
func (s *Server) API() string { return s.URL() + "/api.php" }

// env names the wiki's settings to MediaWiki's programs.
func (s *Server) env() []string {
	return []string{"MW_CONFIG_FILE=" + filepath.Join(s.dir, "LocalSettings.php")}
}

// lay makes the wiki's directory.
func (s *Server) lay() error {
	for _, d := range []string{"root", "root/images", "data", "cache"} {
		if err := os.Mkdir(filepath.Join(s.dir, d), 0o700); err != nil {
			return err
		}
	}
	if err := phptest.Overlay(filepath.Join(s.dir, "root"), program, "images", "config", "LocalSettings.php"); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(s.dir, "router.php"), []byte(router), 0o600); err != nil {
		return err
	}
	for name, b := range template.files {
		if err := os.WriteFile(filepath.Join(s.dir, name), b, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// Maintain runs one of MediaWiki's maintenance programs, such as "runJobs.php".
func (s *Server) Maintain(script string, args ...string) {
	s.tb.Helper()
	if _, err := phptest.Command(s.env(), append([]string{filepath.Join(program, "maintenance", script)}, args...)...); err != nil {
		s.tb.Fatalf("mediawikitest: %v", err)
	}
}

// Lock makes the wiki read-only.
func (s *Server) Lock() {
	s.tb.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, "readonly"), []byte("locked by a test"), 0o600); err != nil {
		s.tb.Fatal(err)
	}
}

// template is what every wiki starts with: a database, and the texts that MediaWiki has gathered.
var template struct {
	once  sync.Once
	files map[string][]byte // by their paths in the wiki's directory
	err   error
}

// install lets MediaWiki make a database with a bot user, and gather its texts.
func install() (map[string][]byte, error) {
	dir, err := os.MkdirTemp("", "pm")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := os.Mkdir(filepath.Join(dir, "cache"), 0o700); err != nil {
		return nil, err
	}
	maintain := func(env []string, args ...string) error {
		args[0] = filepath.Join(program, "maintenance", args[0])
		_, err := phptest.Command(env, args...)
		return err
	}
	if err := maintain(nil, "install.php", "--confpath", dir, "--dbtype", "sqlite", "--dbpath", filepath.Join(dir, "data"), "--dbname", "wiki",
		"--server", "http://127.0.0.1", "--scriptpath", "", "--lang", "en", "--pass", "no password for this one", "Test", "Admin"); err != nil {
		return nil, err
	}
	settings := filepath.Join(dir, "LocalSettings.php")
	if err := os.WriteFile(settings, []byte(fmt.Sprintf(settingsFormat, "http://127.0.0.1", dir)), 0o600); err != nil {
		return nil, err
	}
	env := []string{"MW_CONFIG_FILE=" + settings}
	if err := maintain(env, "createBotPassword.php", "--appid", "pagemap",
		"--grants", "basic,highvolume,editpage,editprotected,createeditmovepage,uploadfile,uploadeditmovefile,delete,protect", "Admin", Password); err != nil {
		return nil, err
	}
	if err := maintain(env, "rebuildLocalisationCache.php", "--lang=en", "--skip-message-purge"); err != nil {
		return nil, err
	}
	// Readers then see the last state while another one is written.
	database := filepath.Join(dir, "data", "wiki.sqlite")
	if _, err := phptest.Command(nil, "-r", `(new PDO("sqlite:$argv[1]"))->exec("PRAGMA journal_mode=WAL");`, database); err != nil {
		return nil, err
	}
	names, err := filepath.Glob(filepath.Join(dir, "cache", "*.l10n.php"))
	if err != nil {
		return nil, err
	}
	files := make(map[string][]byte)
	for _, name := range append(names, database) {
		in, err := filepath.Rel(dir, name)
		if err != nil {
			return nil, err
		}
		if files[in], err = os.ReadFile(name); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// router sends articles to MediaWiki's index.php, whatever their titles look like; PHP's server sends the rest.
const router = `<?php
$path = strtok( $_SERVER['REQUEST_URI'], '?' );
if ( strncmp( $path, '/wiki/', 6 ) === 0 ) {
	$_SERVER['SCRIPT_NAME'] = $_SERVER['PHP_SELF'] = '/index.php';
	$_SERVER['SCRIPT_FILENAME'] = $_SERVER['DOCUMENT_ROOT'] . '/index.php';
	unset( $_SERVER['PATH_INFO'] );
	require $_SERVER['SCRIPT_FILENAME'];
	return true;
}
return false;
`

// settingsFormat takes the wiki's URL and its directory.
const settingsFormat = `<?php
$wgServer = '%[1]s';
$wgSitename = 'Test';
$wgScriptPath = '';
$wgArticlePath = '/wiki/$1';
$wgLanguageCode = 'en';
$wgSecretKey = '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef';
$wgDBtype = 'sqlite';
$wgDBname = 'wiki';
$wgSQLiteDataDir = '%[2]s/data';
$quick = [ 'synchronous' => 'OFF' ];
$wgDBservers = [ [ 'type' => 'sqlite', 'dbname' => 'wiki', 'load' => 1, 'variables' => $quick ] ];
// What readers write is in a file of its own, so that they need not wait for those who edit.
$apart = [
	'type' => 'sqlite', 'dbname' => 'cache', 'tablePrefix' => '', 'variables' => $quick,
	'dbDirectory' => $wgSQLiteDataDir, 'trxMode' => 'IMMEDIATE', 'flags' => 0,
];
$wgObjectCaches[CACHE_DB] = [ 'class' => SqlBagOStuff::class, 'loggroup' => 'SQLBagOStuff', 'server' => $apart ];
$wgMainCacheType = CACHE_NONE;
$wgSessionCacheType = CACHE_DB;
$wgDebugLogGroups['exception'] = '%[2]s/log';
$wgParserCacheType = CACHE_DB;
$wgCacheDirectory = '%[2]s/cache';
$wgLocalisationCacheConf['store'] = 'array';
$wgEnableUploads = true;
$wgUploadDirectory = '%[2]s/root/images';
$wgUploadPath = '/images';
$wgFileExtensions = [ 'png', 'gif', 'jpg', 'svg', 'pdf' ];
$wgUseImageMagick = false;
$wgAllowExternalImages = true;
$wgGroupPermissions['*']['edit'] = false;
$wgGroupPermissions['*']['createaccount'] = false;
$wgRunJobsAsync = false;
$wgJobRunRate = 1000;
// The API runs no jobs by itself. A connection ends after this.
$wgExtensionFunctions[] = static function () {
	global $wgJobRunRate;
	if ( MW_ENTRY_POINT === 'api' && $_SERVER['REQUEST_METHOD'] === 'POST' && $wgJobRunRate > 0 ) {
		register_shutdown_function( static function () {
			MediaWiki\MediaWikiServices::getInstance()->getJobRunner()->run( [ 'maxJobs' => 1000 ] );
		} );
	}
};
$wgReadOnlyFile = '%[2]s/readonly';
$wgEnableEmail = false;
$wgPingback = false;
$wgShowExceptionDetails = true;
$wgRateLimits = [];
`
