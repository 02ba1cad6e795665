package main

import (
	"context"
	"path/filepath"

	"hogar/bridge/localbroker"
)

// brokers are those of all runs.
type brokers struct {
	rabbit    *localbroker.RabbitMQ // the first node of a cluster
	cluster   *localbroker.Cluster  // nil: there is one node
	mosquitto *localbroker.Mosquitto
	runs      int // that there were: what one left there is not the next one's
}

// mosquittoSaves is after how many changes Mosquitto saves. With each change it takes
// 50 messages a second when 10,000 wait, and answers no ping meanwhile.
const mosquittoSaves = 500

// rabbitMemory in MB has room for the big messages of neighbours: what they do to RabbitMQ is
// another fault.
const rabbitMemory = 4000

// clusterSize is the least with which one node may be lost.
const clusterSize = 3

func startBrokers(ctx context.Context, dir string, cluster bool) (_ *brokers, err error) {
	b := &brokers{}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	o := localbroker.Options{Dir: filepath.Join(dir, "rabbitmq"), Memory: rabbitMemory}
	if !cluster {
		b.rabbit, err = localbroker.StartRabbitMQ(ctx, o)
	} else if b.cluster, err = localbroker.StartCluster(ctx, o, clusterSize); err == nil {
		b.rabbit = b.cluster.Nodes[0]
	}
	if err != nil {
		return nil, err
	}
	b.mosquitto, err = localbroker.StartMosquitto(ctx, localbroker.Options{Dir: filepath.Join(dir, "mosquitto"), SaveEvery: mosquittoSaves})
	return b, err
}

// nodes are those of RabbitMQ.
func (b *brokers) nodes() []*localbroker.RabbitMQ {
	if b.cluster != nil {
		return b.cluster.Nodes
	}
	return []*localbroker.RabbitMQ{b.rabbit}
}

func (b *brokers) close() {
	switch {
	case b.cluster != nil:
		b.cluster.Kill()
	case b.rabbit != nil:
		b.rabbit.Kill()
	}
	if b.mosquitto != nil {
		b.mosquitto.Kill()
	}
}
