package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// page is the gateway's page on the network, as the neighbours see it: an address with TLS
// and a log-in.
type page struct {
	addr             string
	user, password   string
	users, cert, key string // files of the configuration
	trust            *tls.Config
}

// newPage makes the certificate and the file of users below dir. The program itself makes the
// hash of the password.
func newPage(ctx context.Context, g *gate, dir string, cert tls.Certificate) (*page, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &page{addr: l.Addr().String(), user: "ana", password: "what the house knows",
		users: filepath.Join(dir, "web.users"), cert: filepath.Join(dir, "ca.pem"), key: filepath.Join(dir, "key.pem")}
	if err := l.Close(); err != nil {
		return nil, err
	}
	key, err := x509.MarshalECPrivateKey(cert.PrivateKey.(*ecdsa.PrivateKey))
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(p.key, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: key}), 0o600); err != nil {
		return nil, err
	}
	hash := g.command("password", p.user)
	hash.Stdin = strings.NewReader(p.password + "\n")
	line, err := hash.Output()
	if err != nil {
		return nil, fmt.Errorf("hogar password: %w", err)
	}
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	p.trust = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return p, os.WriteFile(p.users, line, 0o600)
}

// lines are those of the configuration.
func (p *page) lines() string {
	return fmt.Sprintf("web: {listen: %q, users_file: %s, cert_file: %s, key_file: %s}\n", p.addr, p.users, p.cert, p.key)
}

// client makes requests from an address of this machine; h2 with HTTP/2.
func (p *page) client(from string) *http.Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second, LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	return &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, TLSClientConfig: p.trust.Clone(), ForceAttemptHTTP2: true}}
}

// login tries a password, and returns the status and the session's cookies.
func (p *page) login(ctx context.Context, c *http.Client, password string) (int, []*http.Cookie, error) {
	body, err := json.Marshal(map[string]string{"user": p.user, "password": password})
	if err != nil {
		return 0, nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+p.addr+"/api/session", strings.NewReader(string(body)))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := c.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20))
	return res.StatusCode, res.Cookies(), err
}

// crowd holds n connections until ctx ends: one in three says nothing, one in three begins a
// request over TLS and does not end its header, one in three sends a byte of a body now and
// then. It returns how many were let in. One that is closed by the gateway is not replaced.
func (p *page) crowd(ctx context.Context, n int) int {
	var in, done sync.WaitGroup
	var mu sync.Mutex
	held, turn := 0, make(chan struct{}, 32)
	for i := range n {
		in.Add(1)
		done.Go(func() {
			turn <- struct{}{}
			conn, err := p.slow(ctx, i)
			<-turn
			if err == nil {
				mu.Lock()
				held++
				mu.Unlock()
			}
			in.Done()
			if err != nil {
				return
			}
			defer conn.Close()
			for i%3 == 2 && sleep(ctx, 5*time.Second) {
				if _, err := conn.Write([]byte("x")); err != nil {
					return
				}
			}
			<-ctx.Done()
		})
	}
	in.Wait()
	<-ctx.Done()
	done.Wait()
	return held
}

// slow opens one connection of a crowd.
func (p *page) slow(ctx context.Context, i int) (net.Conn, error) {
	raw, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", p.addr)
	if err != nil || i%3 == 0 {
		return raw, err
	}
	conn := tls.Client(raw, &tls.Config{RootCAs: p.trust.RootCAs, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}})
	limited, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := conn.HandshakeContext(limited); err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	begin := "POST /api/session HTTP/1.1\r\nHost: " + p.addr + "\r\nX-Long: " + strings.Repeat("x", 3000)
	if i%3 == 2 {
		begin = "POST /api/session HTTP/1.1\r\nHost: " + p.addr + "\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n{"
	}
	_, err = conn.Write([]byte(begin))
	return conn, err
}

// guess sends n wrong passwords at once from one address, and returns how many were tried.
func (p *page) guess(ctx context.Context, n int) int {
	var wg sync.WaitGroup
	var mu sync.Mutex
	tried := 0
	c := p.client("127.0.0.1")
	defer c.CloseIdleConnections()
	for i := range n {
		wg.Go(func() {
			status, _, err := p.login(ctx, c, fmt.Sprintf("wrong %d", i))
			if err == nil && status == http.StatusUnauthorized {
				mu.Lock()
				tried++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return tried
}

// follow opens n streams of events with a session, from other addresses than those of crowd and
// guess, and reads them until ctx ends.
func (p *page) follow(ctx context.Context, n int) error {
	c := p.client("127.0.0.3")
	defer c.CloseIdleConnections()
	status, cookies, err := p.login(ctx, c, p.password)
	if err != nil || status >= 300 {
		return fmt.Errorf("log in at the page: status %d, %w", status, err)
	}
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			for ctx.Err() == nil {
				p.stream(ctx, c, cookies)
				sleep(ctx, time.Second)
			}
		})
	}
	wg.Wait()
	return nil
}

// stream reads one stream until it ends.
func (p *page) stream(ctx context.Context, c *http.Client, cookies []*http.Cookie) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+p.addr+"/api/events", nil)
	if err != nil {
		return
	}
	for _, cookie := range cookies {
		req.AddCookie(cookie)
	}
	if res, err := c.Do(req); err == nil {
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
	}
}
