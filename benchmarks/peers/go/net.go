package main

import (
	"io"
	"net"
	"net/http"
)

// As evnet's receive block, divided among goroutines that each need their own.
const bufferBytes = 64 * 1024

func serveStreams(network, address string) error {
	listener, err := net.Listen(network, address)
	if err != nil {
		return err
	}
	listening(network, listener.Addr().String())
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go echo(conn)
		}
	}()
	awaitSignal()
	return listener.Close()
}

// echo uses Read and Write: io.Copy would choose splice(2), which needs more system calls for small
// messages.
func echo(conn net.Conn) {
	defer conn.Close()
	buffer := make([]byte, bufferBytes)
	for {
		got, err := conn.Read(buffer)
		if err != nil {
			return
		}
		if _, err := conn.Write(buffer[:got]); err != nil {
			return
		}
	}
}

func servePackets(address string) error {
	resolved, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		return err
	}
	socket, err := net.ListenUDP("udp", resolved)
	if err != nil {
		return err
	}
	listening("udp", socket.LocalAddr().String())
	go func() {
		buffer := make([]byte, bufferBytes)
		for {
			// The functions with AddrPort do not allocate.
			got, peer, err := socket.ReadFromUDPAddrPort(buffer)
			if err != nil {
				return
			}
			// A refused datagram is lost, as in the other servers.
			_, _ = socket.WriteToUDPAddrPort(buffer[:got], peer)
		}
	}()
	awaitSignal()
	return socket.Close()
}

func serveHTTP(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	listening("tcp", listener.Addr().String())
	hello := func(out http.ResponseWriter, _ *http.Request) {
		out.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(out, "Hello, World!")
	}
	go func() { _ = http.Serve(listener, http.HandlerFunc(hello)) }()
	awaitSignal()
	return listener.Close()
}
