package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"hogar/bridge/localbroker"
)

// clusterKinds is what goes wrong with a cluster: nodes, and all that is not about
// the one RabbitMQ of [kinds].
func clusterKinds() []kind {
	all := slices.DeleteFunc(kinds(), func(k kind) bool { return k.uses&theRabbit != 0 })
	return append(all,
		kind{name: "kill a leader", weight: 18, uses: theRabbit, to: moment, slow: true, run: killLeader},
		kind{name: "kill another node", weight: 6, uses: theRabbit, to: moment, slow: true, run: killFollower},
		kind{name: "kill two nodes", weight: 6, uses: theRabbit, from: moment, to: 4 * moment, slow: true, run: killTwo},
		kind{name: "restart a node", weight: 6, uses: theRabbit, to: moment, slow: true, run: restartNode},
		kind{name: "hang a leader", weight: 8, uses: theRabbit, from: blink, to: 4 * moment, slow: true, run: hangLeader},
		kind{name: "hang a leader for long", weight: 3, uses: theRabbit, from: long, to: longer, slow: true, run: hangLeader},
		kind{name: "part a leader from the others", weight: 6, uses: theRabbit, from: blink, to: 6 * moment, slow: true, run: partLeader},
	)
}

// leader is the node that leads one of the quorum queues, and the others.
func (r *rig) leader(ctx context.Context, f fault) (*localbroker.RabbitMQ, []*localbroker.RabbitMQ, error) {
	queue := []string{queueName, queueName, "hogar." + gatewayName + ".commands", "hogar.history"}[f.pick(4)]
	var node *localbroker.RabbitMQ
	err := r.until(ctx, time.Minute, "queue "+queue+" has a leader", func() bool {
		node = r.cluster.Leader(ctx, r.vhost, queue)
		return node != nil
	})
	if err != nil {
		return nil, nil, err
	}
	r.story.add("%s leads %s", node.Addr(), queue)
	return node, slices.DeleteFunc(slices.Clone(r.nodes()), func(n *localbroker.RabbitMQ) bool { return n == node }), nil
}

// down kills nodes, and starts them again.
func (r *rig) down(ctx context.Context, f fault, nodes ...*localbroker.RabbitMQ) error {
	for _, n := range nodes {
		n.Kill()
	}
	sleep(ctx, f.Hold)
	return r.cluster.Start(context.WithoutCancel(ctx))
}

func killLeader(ctx context.Context, r *rig, f fault) error {
	node, _, err := r.leader(ctx, f)
	if err != nil {
		return err
	}
	return r.down(ctx, f, node)
}

func killFollower(ctx context.Context, r *rig, f fault) error {
	_, others, err := r.leader(ctx, f)
	if err != nil {
		return err
	}
	return r.down(ctx, f, others[f.Arg>>8%2])
}

// killTwo leaves a node that has no majority: it pauses, and takes nothing.
func killTwo(ctx context.Context, r *rig, f fault) error {
	node, others, err := r.leader(ctx, f)
	if err != nil {
		return err
	}
	return r.down(ctx, f, node, others[f.Arg>>8%2])
}

func restartNode(ctx context.Context, r *rig, f fault) error {
	node, _, err := r.leader(ctx, f)
	if err == nil {
		err = node.Stop()
	}
	if err != nil {
		return err
	}
	sleep(ctx, f.Hold)
	return r.cluster.Start(context.WithoutCancel(ctx))
}

func hangLeader(ctx context.Context, r *rig, f fault) error {
	node, _, err := r.leader(ctx, f)
	if err != nil {
		return err
	}
	err = node.Pause()
	sleep(ctx, f.Hold)
	return errors.Join(err, node.Resume())
}

// partLeader leaves the leader alone on its side, where it still talks to clients.
func partLeader(ctx context.Context, r *rig, f fault) error {
	node, others, err := r.leader(ctx, f)
	if err != nil {
		return err
	}
	whole := context.WithoutCancel(ctx)
	for _, other := range others {
		err = errors.Join(err, r.cluster.Part(whole, node, other))
	}
	sleep(ctx, f.Hold)
	for _, other := range others {
		err = errors.Join(err, r.cluster.Join(whole, node, other))
	}
	return errors.Join(err, r.cluster.Whole(whole))
}
