// Servers in Go for benchmarks/compare.py: on the standard library's net and net/http, and on gnet.
//
//	peers -engine=net|gnet|http ADDRESS
//
// ADDRESS is tcp://HOST:PORT, unix://PATH or udp://HOST:PORT; http takes tcp only. A server prints
// "listening on ADDRESS" and runs until SIGTERM or SIGINT. The Go runtime uses the CPUs that the
// process may run on, so one CPU gives one running goroutine at a time.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
)

// listening prints the line that compare.py waits for.
func listening(network, address string) {
	fmt.Printf("listening on %s://%s\n", network, address)
}

func awaitSignal() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	<-signals
}

func printVersions() {
	fmt.Println("Go", strings.TrimPrefix(runtime.Version(), "go"))
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return
	}
	for _, module := range info.Deps {
		if strings.Contains(module.Path, "/gnet/") {
			fmt.Println("gnet", strings.TrimPrefix(module.Version, "v"))
		}
	}
}

func serve(engine, network, address string) error {
	switch {
	case engine == "gnet":
		return serveGnet(network, address)
	case engine == "http" && network == "tcp":
		return serveHTTP(address)
	case engine == "net" && network == "udp":
		return servePackets(address)
	case engine == "net":
		return serveStreams(network, address)
	}
	return fmt.Errorf("engine %q does not serve %s", engine, network)
}

func main() {
	engine := flag.String("engine", "net", "net, gnet or http")
	version := flag.Bool("version", false, "print versions and exit")
	flag.Parse()
	if *version {
		printVersions()
		return
	}
	network, address, found := strings.Cut(flag.Arg(0), "://")
	if flag.NArg() != 1 || !found {
		fmt.Fprintln(os.Stderr, "usage: peers -engine=net|gnet|http tcp://HOST:PORT|unix://PATH|udp://HOST:PORT")
		os.Exit(2)
	}
	if err := serve(*engine, network, address); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}
