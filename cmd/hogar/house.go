package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hogar/bridge"
	"hogar/gateway/api"
	"hogar/gateway/home"
)

// running is a gateway that can be asked and commanded: over its socket, or from
// another machine over AMQP. That makes seven methods.
type running interface {
	// Devices returns what fits pattern, and the gateway's house time.
	Devices(ctx context.Context, pattern string) ([]home.DeviceState, time.Time, error)
	Measure(ctx context.Context, device string) ([]home.DeviceState, error)
	Command(ctx context.Context, cmd home.Command) (home.Outcome, error)
	Watch(ctx context.Context, pattern string, started func(), see func(api.Event)) error
	// Rules returns how the rules are, and the gateway's house time.
	Rules(ctx context.Context) ([]api.Rule, time.Time, error)
	RuleTrace(ctx context.Context, name string) (api.RuleTrace, error)
	Close()
}

// houseFlags are the flags of the commands for which a broker will do.
type houseFlags struct {
	askFlags
	amqp, exchange string
}

func (f *houseFlags) add(cmd *cobra.Command) {
	f.askFlags.add(cmd)
	cmd.Flags().StringVar(&f.amqp, "amqp", "", "ask over this RabbitMQ, from any machine; with --gateway")
	cmd.Flags().StringVar(&f.exchange, "exchange", "", "with --amqp: the gateway's exchange, when it is not hogar")
}

// reach finds the gateway. Whoever reaches it closes it.
func (f *houseFlags) reach(cmd *cobra.Command) (running, error) {
	switch {
	case f.amqp == "" && f.exchange != "":
		return nil, usageError{errors.New("--exchange is for --amqp")}
	case f.amqp == "":
		client, err := f.client()
		if err != nil {
			return nil, err
		}
		return local{client}, nil
	case f.socket != "":
		return nil, usageError{errors.New("--amqp and --socket are two ways to one gateway; give one of them")}
	case f.gateway == "":
		return nil, usageError{errors.New("--amqp needs --gateway: the name of the gateway, the first word of its keys")}
	}
	url, err := dialable(f.amqp)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), askWait)
	defer cancel()
	client, err := bridge.Connect(ctx, url, f.exchange, f.gateway)
	if err != nil {
		return nil, err
	}
	return remote{client, cmd.ErrOrStderr()}, nil
}

// with makes what a command runs of what it does with the gateway.
func (f *houseFlags) with(do func(cmd *cobra.Command, house running, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		house, err := f.reach(cmd)
		if err != nil {
			return err
		}
		defer house.Close()
		return do(cmd, house, args)
	}
}

// local is a gateway on this machine.
type local struct{ *api.Client }

// Devices implements [running].
func (l local) Devices(ctx context.Context, pattern string) ([]home.DeviceState, time.Time, error) {
	found, err := l.Client.Devices(ctx, pattern)
	if err != nil {
		return nil, time.Time{}, err
	}
	status, err := l.Status(ctx)
	return found, status.HouseTime, err
}

// Rules implements [running].
func (l local) Rules(ctx context.Context) ([]api.Rule, time.Time, error) {
	list, err := l.Client.Rules(ctx)
	if err != nil {
		return nil, time.Time{}, err
	}
	status, err := l.Status(ctx)
	return list, status.HouseTime, err
}

// Close implements [running]: there is nothing to close.
func (local) Close() {}

// How long is waited for answers over AMQP. The gateway takes a command that is
// sent to it within 5 s or never, and a device may be slow to tell its new state.
const (
	askWait     = 15 * time.Second
	commandWait = 30 * time.Second
)

// remote is a gateway at a broker. Its messages are taken only if it is there at
// this moment.
type remote struct {
	*bridge.Client
	notes io.Writer
}

// Devices implements [running].
func (r remote) Devices(ctx context.Context, pattern string) ([]home.DeviceState, time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	found, err := r.Client.Devices(ctx, pattern)
	return found, r.HouseTime(), err
}

// Measure implements [running].
func (r remote) Measure(ctx context.Context, device string) ([]home.DeviceState, error) {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	return r.Client.Measure(ctx, device)
}

// Rules implements [running].
func (r remote) Rules(ctx context.Context) ([]api.Rule, time.Time, error) {
	list, err := rulesOver[api.Rule](ctx, r, "#")
	return list, r.HouseTime(), err
}

// RuleTrace implements [running].
func (r remote) RuleTrace(ctx context.Context, name string) (api.RuleTrace, error) {
	if strings.ContainsAny(name, "*#") {
		return api.RuleTrace{}, fmt.Errorf("there is no rule %s; `hogar rule list` lists them", name)
	}
	list, err := rulesOver[api.RuleTrace](ctx, r, name)
	if err == nil && len(list) != 1 {
		err = fmt.Errorf("the gateway answers with %d rules, expected one", len(list))
	}
	if err != nil {
		return api.RuleTrace{}, err
	}
	return list[0], nil
}

// rulesOver asks a gateway at a broker for its rules.
func rulesOver[T any](ctx context.Context, r remote, pattern string) ([]T, error) {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	bodies, err := r.Client.Rules(ctx, pattern)
	if err != nil {
		return nil, err
	}
	list := make([]T, len(bodies))
	for i, body := range bodies {
		if err := json.Unmarshal(body, &list[i]); err != nil {
			return nil, fmt.Errorf("the gateway's answer cannot be read: %w", err)
		}
	}
	return list, nil
}

// Command implements [running].
func (r remote) Command(ctx context.Context, cmd home.Command) (home.Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, commandWait)
	defer cancel()
	o, err := r.Now(ctx, cmd)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("%w; the command may have been carried out: hogar watch and hogar get tell", err)
	}
	return o, err
}

// Watch implements [running]. A gateway that is away, and a name that it does not
// know, are told: nothing would be seen of them.
func (r remote) Watch(ctx context.Context, pattern string, started func(), see func(api.Event)) error {
	if _, _, err := r.Devices(ctx, pattern); err != nil && ctx.Err() == nil {
		fmt.Fprintln(r.notes, "hogar:", err)
	}
	return r.Client.Watch(ctx, pattern, started, func(s bridge.Seen) { see(api.Event{Kind: s.Kind, Seq: s.Seq, Data: s.Data}) })
}
