// Command demomqtt is the MQTT side of make demo: a broker, a Zigbee2MQTT with a lamp
// and a sensor, and a plug with Tasmota. It runs the command that follows -- and ends
// with it:
//
//	demomqtt -listen 127.0.0.1:18833 -- hogar demo --with-mqtt
//
// It is no part of what is shipped.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:18833", "address of the broker")
	flag.Parse()
	code, err := run(*listen, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "demomqtt:", err)
	}
	os.Exit(code)
}

// run runs the devices and the command, and returns the command's exit code.
func run(listen string, command []string) (int, error) {
	if len(command) == 0 {
		return 2, errors.New("no command after --")
	}
	server, err := newBroker(listen)
	if err != nil { // the home works without, too
		fmt.Fprintf(os.Stderr, "demomqtt: no MQTT devices this time: %v\n", err)
		return child(command)
	}
	defer server.Close()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	defer func() { stop(); <-ended }()
	h := &home{publish: func(topic, payload string, retain bool) error {
		return server.Publish(topic, []byte(payload), retain, 1)
	}}
	for _, filter := range []string{"zigbee2mqtt/+/+/set", "cmnd/+/+"} {
		if err := server.Subscribe(filter, 1, h.receive); err != nil {
			return 1, err
		}
	}
	go func() { defer close(ended); h.run(ctx, 2*time.Second) }()
	return child(command)
}

// newBroker starts a broker that lets everybody in.
func newBroker(listen string) (*mochi.Server, error) {
	server := mochi.New(&mochi.Options{InlineClient: true, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err := server.AddHook(new(auth.AllowHook), nil); err != nil {
		return nil, err
	}
	if err := server.AddListener(listeners.NewTCP(listeners.Config{ID: "demo", Address: listen})); err != nil {
		return nil, err
	}
	return server, server.Serve()
}

// child runs the command, which gets our signals from the terminal itself.
func child(command []string) (int, error) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			if s == syscall.SIGTERM { // Ctrl-C has reached it already
				_ = cmd.Process.Signal(s)
			}
		case err := <-ended:
			if exit, ok := errors.AsType[*exec.ExitError](err); ok {
				return exit.ExitCode(), nil
			}
			return 0, err
		}
	}
}
