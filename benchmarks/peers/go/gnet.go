package main

import (
	"context"

	"github.com/panjf2000/gnet/v2"
	"github.com/panjf2000/gnet/v2/pkg/logging"
)

type gnetEcho struct {
	gnet.BuiltinEventEngine
	network, address string
	booted           chan gnet.Engine
}

func (e *gnetEcho) OnBoot(engine gnet.Engine) gnet.Action {
	listening(e.network, e.address)
	e.booted <- engine
	return gnet.None
}

func (e *gnetEcho) OnTraffic(conn gnet.Conn) gnet.Action {
	data, err := conn.Next(-1)
	if err != nil {
		return gnet.Close
	}
	if _, err := conn.Write(data); err != nil {
		return gnet.Close
	}
	return gnet.None
}

// serveGnet needs an explicit port, because gnet does not report the one that the kernel chose.
func serveGnet(network, address string) error {
	server := &gnetEcho{network: network, address: address, booted: make(chan gnet.Engine, 1)}
	go func() {
		awaitSignal()
		engine := <-server.booted
		_ = engine.Stop(context.Background())
	}()
	// One loop, as every other server has, and evnet's receive block.
	return gnet.Run(server, network+"://"+address, gnet.WithNumEventLoop(1),
		gnet.WithReadBufferCap(256*1024), gnet.WithReuseAddr(true), gnet.WithTCPNoDelay(gnet.TCPNoDelay),
		gnet.WithLogLevel(logging.ErrorLevel))
}
