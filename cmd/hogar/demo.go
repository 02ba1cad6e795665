package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hogar/bridge"
	"hogar/bridge/localbroker"
	"hogar/configs"
	"hogar/gateway"
	"hogar/gateway/api"
	"hogar/gateway/config"
	"hogar/gateway/home"
	"hogar/gateway/secret"
)

// demo is one run of hogar demo.
type demo struct {
	out    io.Writer
	paint  paint
	run    runFlags
	dir    string // of all that the demo writes; removed at the end
	zone   *time.Location
	broker *localbroker.RabbitMQ // nil: there was one, or there is none
	url    string                // of the broker; "" is none
	shown  string                // url, without a password that is somebody's

	rules, obeyed int // counted from the stream
}

func newDemo() *cobra.Command {
	d := demo{run: runFlags{simulate: true, speed: 60, start: "2026-03-21 18:30", seed: 1, level: "warn"}}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "a simulated home on a real RabbitMQ",
		Long: `demo runs a simulated home from 18:30 of a day in March on, 60 times as fast as life: dusk falls,
people walk by, rooms cool, and rules switch lamps and heaters. It publishes to the
RabbitMQ at AMQP_URL, or to the one on this machine, or to a private one that it
starts and removes again. Without any it shows the home and says what is missing.

On a terminal it runs until Ctrl-C; elsewhere for DEMO_SECONDS (60), and then prints
a summary.`,
		Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			d.out, d.paint = cmd.OutOrStdout(), paintFor(cmd.OutOrStdout())
			return d.main(cmd.Context(), cmd)
		},
	}
	cmd.Flags().StringVar(&d.run.config, "config", "", "another home to simulate")
	cmd.Flags().StringVar(&d.run.amqp, "amqp", "", "URL of RabbitMQ (also AMQP_URL)")
	cmd.Flags().BoolVar(&d.run.withMQTT, "with-mqtt", false, "contact the mqtt: sources, too")
	cmd.Flags().StringVar(&d.run.web, "web", "", "address of the page (default "+config.UsualWeb+", or a free port)")
	cmd.Flags().Float64Var(&d.run.speed, "speed", d.run.speed, "how many times as fast as life")
	cmd.Flags().StringVar(&d.run.start, "start", d.run.start, "house time at the start, 18:30 or 2026-07-01 18:30")
	return cmd
}

func (d *demo) main(ctx context.Context, cmd *cobra.Command) error {
	limit, err := demoSeconds(d.paint.on)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "hogar-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	d.dir = dir
	if d.run.config == "" {
		d.run.config = filepath.Join(dir, "demo.yaml")
		catalog := filepath.Join(dir, "demo_catalog.yaml")
		if err := errors.Join(os.WriteFile(d.run.config, configs.Demo, 0o600), os.WriteFile(catalog, configs.DemoCatalog, 0o600)); err != nil {
			return err
		}
	}
	d.findBroker(ctx)
	defer d.stopBroker()
	if ctx.Err() != nil {
		return nil
	}
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	return d.live(ctx, cmd)
}

// demoSeconds is how long the demo runs; 0: until it is interrupted.
func demoSeconds(terminal bool) (time.Duration, error) {
	s := os.Getenv("DEMO_SECONDS")
	if s == "" {
		if terminal {
			return 0, nil
		}
		return time.Minute, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("DEMO_SECONDS is %q, expected a number of seconds", s)
	}
	return time.Duration(n) * time.Second, nil
}

func (d *demo) say(format string, args ...any) {
	fmt.Fprintf(d.out, d.paint.in(cyan, "==>")+" "+format+"\n", args...)
}

// findBroker finds RabbitMQ, or starts one.
func (d *demo) findBroker(ctx context.Context) {
	wanted := d.run.amqp
	if wanted == "" {
		wanted = os.Getenv("AMQP_URL")
	}
	if wanted != "" {
		if err := reachable(ctx, wanted); err != nil {
			d.say("RabbitMQ is not reachable now, hogar goes on trying: %v", err)
		} else {
			d.say("using the RabbitMQ that was named")
		}
		d.url, d.shown = wanted, secret.Show(wanted)
		return
	}
	if reachable(ctx, bridge.DefaultURL) == nil {
		d.say("using the RabbitMQ that runs on this machine")
		d.url, d.shown = bridge.DefaultURL, bridge.DefaultURL
		return
	}
	d.say("starting a private RabbitMQ (5 to 10 s) ...")
	began := time.Now()
	broker, err := localbroker.StartRabbitMQ(ctx, localbroker.Options{Dir: filepath.Join(d.dir, "rabbitmq")})
	switch {
	case ctx.Err() != nil:
	case errors.Is(err, localbroker.ErrNotInstalled):
		d.say("there is no RabbitMQ here, so nothing is published; the home works all the same.")
		d.say("to see it whole:  sudo apt-get install rabbitmq-server   or set AMQP_URL")
	case err != nil:
		d.say("no private RabbitMQ, so nothing is published; the home works all the same: %v", err)
	default:
		d.say("RabbitMQ runs at %s after %.1f s", broker.URL(), time.Since(began).Seconds())
		d.broker, d.url, d.shown = broker, broker.URL(), broker.URL()
	}
}

func reachable(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	c, err := bridge.Connect(ctx, url, "", "demo")
	if err == nil {
		c.Close()
	}
	return err
}

func (d *demo) stopBroker() {
	if d.broker != nil {
		d.say("stopping the private RabbitMQ")
		if err := d.broker.Stop(); err != nil {
			d.say("%v", err)
		}
	}
}

// live runs the home until ctx ends and shows it.
func (d *demo) live(ctx context.Context, cmd *cobra.Command) error {
	if d.run.web == "" {
		d.run.web = freeWeb(config.UsualWeb)
	}
	level, err := d.run.logLevel()
	if err != nil {
		return err
	}
	plan, err := d.run.load(d.run.config, cmd)
	if err != nil {
		return err
	}
	log := newLog(cmd, level, plan.Config.Gateway)
	d.zone = plan.Config.Location.Timezone
	o, err := d.run.options(plan, log)
	if err != nil {
		return err
	}
	o.URLs = func(config.AMQP) ([]string, error) {
		if d.url == "" {
			return nil, nil
		}
		return []string{d.url}, nil
	}
	o.Journal = filepath.Join(d.dir, "journal")
	o.Config = func() api.Configuration { return configuration(d.run.config) }
	o.WebOpened = func(url string) { d.say("the page is at  %s", d.paint.in(bold, url)) }
	var server *api.Server
	shown := make(chan struct{})
	o.Ready = func(s *api.Server) {
		server = s
		go func() {
			defer close(shown)
			d.show(ctx, s.House, o.Socket)
		}()
		if d.url != "" {
			go d.command(ctx, plan.Config.Gateway)
		}
	}
	if err := gateway.Run(ctx, o); err != nil {
		return err
	}
	<-shown
	d.summary(server.House.Status())
	return nil
}

// show prints what happens, and first of all when the first reading is in RabbitMQ.
func (d *demo) show(ctx context.Context, house api.House, socket string) {
	next := house.Follow()
	d.say("the home runs from %s, %v times as fast as life; what happens in it:", house.Status().HouseTime.In(d.zone).Format("15:04"), d.run.speed)
	told, invited := d.url == "", false
	for {
		ev, _, err := next(ctx)
		if err != nil {
			return
		}
		switch {
		case ev.Kind == home.KindRule && ev.State == "started":
			d.rules++
		case ev.Kind == home.KindOutcome && ev.Outcome.Result.OK():
			d.obeyed++
		}
		if what := describe(d.paint, &ev); what != "" && ev.Kind != home.KindCatalog {
			fmt.Fprintln(d.out, d.paint.in(dim, ev.Time.In(d.zone).Format("15:04:05"))+"  "+what)
		}
		s := house.Status()
		if !told && s.AMQP.Confirmed > 0 {
			told = true
			d.say("the first messages are in RabbitMQ, %.1f s after the start", time.Since(s.Started).Seconds())
		}
		if told && !invited {
			invited = true
			d.invite(s.Gateway)
		}
	}
}

// invite prints what to try.
func (d *demo) invite(gateway string) {
	d.say("try, in another terminal:")
	fmt.Fprintf(d.out, "      %s set porch.lamp.state on\n", os.Args[0])
	if d.url != "" {
		fmt.Fprintf(d.out, "      amqp-publish -u %s -e hogar -r %s.command.porch.lamp.state -b toggle\n",
			strings.TrimSuffix(d.shown, "/"), gateway) // with the slash amqp-tools look for a virtual host without a name
	}
}

// command is another program: it publishes a command to RabbitMQ and waits for
// the receipt.
func (d *demo) command(ctx context.Context, gateway string) {
	select {
	case <-time.After(8 * time.Second):
	case <-ctx.Done():
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	c, err := bridge.Connect(ctx, d.url, "", gateway)
	if err != nil {
		slog.Debug("demo command", "error", err)
		return
	}
	defer c.Close()
	d.say("another program publishes to RabbitMQ: %s.command.porch.lamp {\"state\":true}", gateway)
	o, err := c.Command(ctx, home.Command{ID: "demo-" + strconv.FormatInt(time.Now().UnixNano(), 36), Device: "porch.lamp",
		Set: home.Settings{{Property: "state", Value: home.BooleanOf(true)}}})
	if err != nil {
		if ctx.Err() == nil {
			d.say("no receipt: %v", err)
		}
		return
	}
	d.say("its receipt: %s", showOutcome(d.paint, &o))
}

func (d *demo) summary(s api.Status) {
	fmt.Fprintln(d.out)
	d.say("readings and other messages published %d, confirmed %d; rules run %d; commands obeyed %d",
		s.AMQP.Published, s.AMQP.Confirmed, d.rules, d.obeyed)
	if s.Journal.Waiting > 0 && d.url != "" {
		d.say("%d messages were still waiting: %s", s.Journal.Waiting, s.AMQP.Error)
	}
}
