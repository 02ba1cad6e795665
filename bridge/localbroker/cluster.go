package localbroker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Cluster is a private cluster of RabbitMQ nodes, which may be killed, hung and
// started again one by one. A node without a majority of the others pauses itself.
type Cluster struct {
	Nodes []*RabbitMQ
	names *group // the port mapper, which outlives each node
}

// StartCluster starts n nodes and returns when all of them take connections and
// know each other: three need 15 s on two idle cores. Ports of o are not looked at.
func StartCluster(ctx context.Context, o Options, n int) (_ *Cluster, err error) {
	c := &Cluster{}
	defer func() {
		if err != nil {
			c.Kill()
		}
	}()
	cookie := rand.Text()
	for i := range n {
		r, err := newRabbitMQ(Options{Dir: filepath.Join(o.Dir, fmt.Sprintf("node%d", i+1)), Log: o.Log}, fmt.Sprintf("hogar%d@localhost", i+1))
		if err != nil {
			return nil, err
		}
		c.Nodes = append(c.Nodes, r)
	}
	for _, r := range c.Nodes {
		r.epmd = c.Nodes[0].epmd
		// Each joins the first, which knows of itself alone: RabbitMQ 4 waits for the peers that it knows of.
		r.peers = slices.Compact([]string{c.Nodes[0].name, r.name})
		if err := errors.Join(os.MkdirAll(r.path("home"), 0o700), os.WriteFile(r.path("home/.erlang.cookie"), []byte(cookie), 0o400), r.writeFiles()); err != nil {
			return nil, err
		}
	}
	if c.names, err = newGroup(); err != nil {
		return nil, err
	}
	if err := c.Nodes[0].startMapper(ctx, c.names); err != nil {
		return nil, err
	}
	// The first makes the cluster, the others join it: all at once might make two.
	if err := c.Nodes[0].Start(ctx); err != nil {
		return nil, err
	}
	if err := c.Start(ctx); err != nil {
		return nil, err
	}
	return c, c.Whole(ctx)
}

// Start starts the nodes that are not running, together.
func (c *Cluster) Start(ctx context.Context) error {
	var wg sync.WaitGroup
	failed := make([]error, len(c.Nodes))
	for i, r := range c.Nodes {
		if !r.Running() {
			wg.Go(func() { failed[i] = r.Start(ctx) })
		}
	}
	wg.Wait()
	return errors.Join(failed...)
}

// Whole waits until each node sees all.
func (c *Cluster) Whole(ctx context.Context) error {
	for _, r := range c.Nodes {
		if err := await(ctx, r.node, func() error {
			out, err := r.Eval(ctx, "length(rabbit_mnesia:cluster_nodes(running)).")
			if want := fmt.Sprint(len(c.Nodes)); err == nil && out != want {
				err = fmt.Errorf("%s sees %s of %s nodes", r.name, out, want)
			}
			return err
		}); err != nil {
			return fmt.Errorf("rabbitmq cluster: %w", err)
		}
	}
	return nil
}

// Kill ends all nodes with SIGKILL, and their port mapper.
func (c *Cluster) Kill() {
	for _, r := range c.Nodes {
		r.Kill()
	}
	if c.names != nil {
		c.names.kill()
		c.names = nil
	}
}

// Leader returns the node that leads a quorum queue of the virtual host; nil while
// none does, or none answers. It asks the nodes that run, each for 5 s at most.
func (c *Cluster) Leader(ctx context.Context, vhost, queue string) *RabbitMQ {
	ask := fmt.Sprintf(`{ok, Q} = rabbit_amqqueue:lookup({resource, <<"%s">>, queue, <<"%s">>}),
		{ok, _, {_, Node}} = ra:members(element(1, {amqqueue:get_pid(Q)}), 3000), Node.`, vhost, queue)
	for _, r := range c.Nodes {
		if !r.Running() {
			continue
		}
		asking, cancel := context.WithTimeout(ctx, 5*time.Second)
		out, err := r.Eval(asking, ask)
		cancel()
		if err != nil {
			continue
		}
		for _, leader := range c.Nodes {
			if strings.Trim(out, "'") == leader.name {
				return leader
			}
		}
	}
	return nil
}

// Part has two nodes refuse each other, as when the line between them is cut.
func (c *Cluster) Part(ctx context.Context, one, other *RabbitMQ) error {
	_, err := one.Eval(ctx, fmt.Sprintf(`erlang:set_cookie('%[1]s', parted), erlang:disconnect_node('%[1]s'), ok.`, other.name))
	return err
}

// Join takes back what Part did.
func (c *Cluster) Join(ctx context.Context, one, other *RabbitMQ) error {
	_, err := one.Eval(ctx, fmt.Sprintf(`erlang:set_cookie('%s', erlang:get_cookie()), ok.`, other.name))
	return err
}

// clusterConf is the part of a node's configuration about its cluster.
func (r *RabbitMQ) clusterConf() string {
	if len(r.peers) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("cluster_partition_handling = pause_minority\ncluster_formation.peer_discovery_backend = classic_config\n")
	for i, peer := range r.peers {
		fmt.Fprintf(&b, "cluster_formation.classic_config.nodes.%d = %s\n", i+1, peer)
	}
	return b.String()
}
