package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

const pageCount = 50

// pages measures what open pages cost the gateway, beside itself without them: each
// follows all that happens in the house of the demo, which lives 60 times as fast.
func (b *bench) pages(ctx context.Context, _ string) (err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	address := l.Addr().String()
	l.Close()
	h, err := b.start(ctx, b.config, filepath.Join(b.dir, "pages"), "--web", address, "--speed", "60")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.stop()) }()
	const settle, span = 5 * time.Second, 10 * time.Second
	if err := errors.Join(h.connected(ctx), h.sleep(ctx, settle)); err != nil {
		return err
	}
	alone, _, err := h.cost(ctx, span)
	if err != nil {
		return err
	}
	before, err := memoryOf(h.cmd.Process.Pid)
	if err != nil {
		return err
	}
	streams, cancel := context.WithCancel(ctx)
	var open sync.WaitGroup
	var heard atomic.Int64
	var failed atomic.Value
	for range pageCount {
		open.Go(func() {
			n, err := follow(streams, "http://"+address+"/api/events?rate=4&house=true")
			heard.Add(n)
			if err != nil && streams.Err() == nil {
				failed.Store(err)
			}
		})
	}
	err = h.sleep(ctx, settle)
	watched, after := 0.0, before
	if err == nil {
		watched, after, err = h.cost(ctx, span)
	}
	cancel()
	open.Wait()
	if e, ok := failed.Load().(error); ok {
		err = errors.Join(err, e)
	}
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%d open pages", pageCount)
	b.report.add(figure{Name: name + ", memory not in files", Unit: "MB", Goal: atMost, Target: 10, Samples: []float64{after.anonymous - before.anonymous}})
	b.report.add(figure{Name: name + ", processor", Unit: "% of 1 core", Goal: atMost, Target: 2, Samples: []float64{(watched - alone) * 100}})
	b.report.add(figure{Name: name + ", sent to each", Unit: "kB/s", Samples: []float64{float64(heard.Load()) / pageCount / 1e3 / (settle + span).Seconds()}})
	return nil
}

// cost is the share of a core that the house takes for a while, and its memory then.
func (h *house) cost(ctx context.Context, span time.Duration) (share float64, m memory, err error) {
	pid, began := h.cmd.Process.Pid, time.Now()
	before, err := processorTime(pid)
	if err != nil {
		return 0, m, err
	}
	if err := h.sleep(ctx, span); err != nil {
		return 0, m, err
	}
	took := time.Since(began)
	after, err := processorTime(pid)
	if err != nil {
		return 0, m, err
	}
	m, err = memoryOf(pid)
	return (after - before).Seconds() / took.Seconds(), m, err
}

// follow reads a stream until ctx ends, and counts its bytes.
func follow(ctx context.Context, url string) (int64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s: %s", url, resp.Status)
	}
	return io.Copy(io.Discard, resp.Body)
}
