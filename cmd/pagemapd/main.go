package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	// A second signal changes nothing: mod_fcgid sends SIGTERM twice.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}
