// Command temporal is a whole Temporal server in one process with an embedded SQLite database.
//
// It takes the flags with which the Temporal SDKs call "temporal server start-dev", so that it can stand in for the
// official CLI where that cannot be downloaded. Unlike the CLI it has time skipping switched on, brings a database
// file of an older server up to date, and adds search attributes to a namespace that exists already.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"go.temporal.io/server/common/headers"
	"go.uber.org/zap"
)

const usage = "usage: temporal server start-dev [flags] | temporal --version"

// options is what the command line asks for.
type options struct {
	ip         string
	port       int
	dbFile     string
	logFormat  string
	logLevel   string
	namespaces list
	dynamic    list
	attributes list
	pragmas    list
}

// list is a flag that may be given several times.
type list []string

// String implements flag.Value.
func (l *list) String() string { return strings.Join(*l, ",") }

// Set implements flag.Value.
func (l *list) Set(value string) error {
	*l = append(*l, value)
	return nil
}

// pair splits KEY=VALUE.
func pair(text string) (key, value string, err error) {
	key, value, found := strings.Cut(text, "=")
	if !found || key == "" {
		return "", "", fmt.Errorf("%q is not KEY=VALUE", text)
	}
	return key, value, nil
}

// parse reads the flags that follow "server start-dev".
func parse(args []string) (options, error) {
	o := options{}
	flags := flag.NewFlagSet("temporal server start-dev", flag.ContinueOnError)
	flags.StringVar(&o.ip, "ip", "127.0.0.1", "address to listen on")
	flags.IntVar(&o.port, "port", 7233, "port to listen on")
	flags.StringVar(&o.dbFile, "db-filename", "", "database file; without it everything is kept in memory")
	flags.StringVar(&o.logFormat, "log-format", "text", "text, pretty or json")
	flags.StringVar(&o.logLevel, "log-level", "warn", "debug, info, warn, error, fatal or never")
	flags.Var(&o.namespaces, "namespace", "namespace to create where it is missing (repeatable; \"default\" without it)")
	flags.Var(&o.dynamic, "dynamic-config-value", "KEY=JSON of the server's dynamic configuration (repeatable)")
	flags.Var(&o.attributes, "search-attribute", "NAME=TYPE, added to each namespace where it is missing (repeatable)")
	flags.Var(&o.pragmas, "sqlite-pragma", "NAME=VALUE for each connection to the database (repeatable)")
	flags.Bool("headless", true, "taken for the CLI's sake: there is no web UI in here")
	flags.Int("ui-port", 0, "taken for the CLI's sake: there is no web UI in here")
	flags.String("ui-ip", "", "taken for the CLI's sake: there is no web UI in here")
	flags.SetOutput(io.Discard) // run says what is wrong
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		flags.SetOutput(os.Stdout)
		flags.PrintDefaults()
	}
	if err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if len(o.namespaces) == 0 {
		o.namespaces = list{"default"}
	}
	return o, nil
}

// serve runs the server until a signal asks it to stop; a second signal ends it on the spot.
func serve(o options) error {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	logger, level, err := newLogger(o)
	if err != nil {
		return err
	}
	running, err := newServer(o, logger)
	if err != nil {
		return err
	}
	if err := running.Start(); err != nil {
		return err
	}
	<-signals
	go func() {
		<-signals
		os.Exit(130)
	}()
	level.SetLevel(zap.FatalLevel) // services that stop complain about those that have stopped
	if err := running.Stop(); err != nil {
		return err
	}
	return checkpoint(o.dbFile)
}

// run is the whole command; it returns the exit code.
func run(args []string) int {
	switch {
	case len(args) == 1 && (args[0] == "--version" || args[0] == "-v"):
		fmt.Printf("temporal version relaunch (Server %s)\n", headers.ServerVersion)
		return 0
	case len(args) < 2 || args[0] != "server" || args[1] != "start-dev":
		fmt.Fprintln(os.Stderr, usage)
		return 2
	}
	o, err := parse(args[2:])
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "temporal:", err)
		return 2
	}
	if err := serve(o); err != nil {
		fmt.Fprintln(os.Stderr, "temporal:", err)
		return 1
	}
	return 0
}

func main() {
	os.Exit(run(os.Args[1:]))
}
