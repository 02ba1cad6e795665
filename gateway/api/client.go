package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"hogar/gateway/home"
)

// Client asks a running gateway through its socket. Safe for concurrent use.
type Client struct {
	path string
	http *http.Client
}

// NewClient returns a client of the gateway that listens at path.
func NewClient(path string) *Client {
	return &Client{path: path, http: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
	}}}
}

// Status asks for the gateway itself.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var s Status
	err := c.call(ctx, http.MethodGet, "/api/status", nil, &s)
	return s, err
}

// Devices asks for the devices that fit pattern, with their last readings.
func (c *Client) Devices(ctx context.Context, pattern string) ([]home.DeviceState, error) {
	var found []home.DeviceState
	err := c.call(ctx, http.MethodGet, "/api/devices?pattern="+url.QueryEscape(pattern), nil, &found)
	return found, err
}

// Measure has the gateway measure a device, and returns its new readings.
func (c *Client) Measure(ctx context.Context, device string) ([]home.DeviceState, error) {
	var found []home.DeviceState
	err := c.call(ctx, http.MethodPost, "/api/measure?device="+url.QueryEscape(device), nil, &found)
	return found, err
}

// Command sends a command and waits for its outcome.
func (c *Client) Command(ctx context.Context, cmd home.Command) (home.Outcome, error) {
	body, err := json.Marshal(home.Command{ID: cmd.ID, Device: cmd.Device, Set: cmd.Set, Reason: cmd.Reason, Expires: cmd.Expires})
	if err != nil {
		return home.Outcome{}, err
	}
	var o home.Outcome
	err = c.call(ctx, http.MethodPost, "/api/commands", body, &o)
	return o, err
}

// Reload makes the gateway read its configuration again.
func (c *Client) Reload(ctx context.Context) error {
	return c.call(ctx, http.MethodPost, "/api/reload", nil, nil)
}

// Outbox asks what waits for RabbitMQ.
func (c *Client) Outbox(ctx context.Context) (Outbox, error) {
	var o Outbox
	err := c.call(ctx, http.MethodGet, "/api/outbox", nil, &o)
	return o, err
}

// Resend makes the gateway send again what RabbitMQ confirmed since a house time.
func (c *Client) Resend(ctx context.Context, since time.Time) (Resent, error) {
	var r Resent
	err := c.call(ctx, http.MethodPost, "/api/outbox/resend?since="+url.QueryEscape(since.UTC().Format(time.RFC3339)), nil, &r)
	return r, err
}

// Watch calls see with each event that fits pattern, until ctx ends or the
// gateway does. started, which may be nil, is called when the stream is open.
func (c *Client) Watch(ctx context.Context, pattern string, started func(), see func(Event)) error {
	return c.watch(ctx, url.Values{"pattern": {pattern}}, started, see)
}

// WatchRaw is [Client.Watch] that also sees each measurement as it came, before the
// filters: its event has a member raw.
func (c *Client) WatchRaw(ctx context.Context, pattern string, started func(), see func(Event)) error {
	return c.watch(ctx, url.Values{"pattern": {pattern}, "raw": {"true"}}, started, see)
}

func (c *Client) watch(ctx context.Context, query url.Values, started func(), see func(Event)) error {
	resp, err := c.send(ctx, http.MethodGet, "/api/events?"+query.Encode(), nil)
	if ctx.Err() != nil && err != nil {
		return nil
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if started != nil {
		started()
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	var ev Event
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch field {
		case "id":
			ev.Seq, _ = strconv.ParseUint(value, 10, 64)
		case "event":
			if value == "lost" {
				ev.Kind = 0
			} else {
				ev.Kind = home.KindOf(value)
			}
		case "data":
			ev.Data = json.RawMessage(value)
		case "":
			if ev.Kind == 0 {
				ev.Lost, _ = strconv.ParseUint(string(ev.Data), 10, 64)
				continue
			}
			see(ev)
			ev = Event{}
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("the gateway went away: %w", err)
	}
	return errors.New("the gateway went away")
}

func (c *Client) call(ctx context.Context, method, path string, body []byte, into any) error {
	resp, err := c.send(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if into == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

func (c *Client) send(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://hogar"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(err)
	}
	if resp.StatusCode >= 400 {
		defer resp.Body.Close()
		var p problem
		if json.NewDecoder(io.LimitReader(resp.Body, maxBody)).Decode(&p) != nil || p.Title == "" {
			p.Title = "the gateway answered " + resp.Status
		}
		return nil, &Error{Title: p.Title, Hint: p.Detail, Code: resp.StatusCode}
	}
	return resp, nil
}

// unreachable says what to do when nobody answers.
func (c *Client) unreachable(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return &Error{Title: "no gateway runs at " + c.path, Hint: "start one: hogar run --simulate"}
	case errors.Is(err, fs.ErrPermission):
		name := os.Getenv("USER")
		return &Error{Title: "no permission to talk to the gateway at " + c.path,
			Hint: "sudo usermod -aG hogar " + name + ", then log in again"}
	}
	return fmt.Errorf("ask the gateway at %s: %w", c.path, err)
}
