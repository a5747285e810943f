// Package pgtest gives tests a private PostgreSQL.
//
// A test binary that calls Run from its TestMain shares one server between its
// tests; each test asks for a Database of its own on it. A test that has to
// stop, kill or restore a server starts one with Start.
//
// The servers are children of the test binary: they live in short temporary
// directories, listen on a unix socket there, write without fsync, and end
// with the binary, however it ends. The superuser is "postgres", and every
// connection is trusted. A binary run by root starts them as the user
// "postgres", since PostgreSQL refuses to run as root.
//
// Where no server is installed tests are skipped, or fail when the environment
// has CI set.
package pgtest
