package localbroker

import "testing"

func TestCluster(t *testing.T) {
	c, err := StartCluster(t.Context(), Options{Dir: t.TempDir()}, 3)
	need(t, err)
	t.Cleanup(c.Kill)
	for _, r := range c.Nodes {
		onlyLoopback(t, r.group)
	}
	onlyLoopback(t, c.names)
	declare := `rabbit_amqqueue:declare(rabbit_misc:r(<<"/">>, queue, <<"q">>), true, false,
		[{<<"x-queue-type">>, longstr, <<"quorum">>}], none, <<"test">>), ok.`
	if _, err := c.Nodes[0].Eval(t.Context(), declare); err != nil {
		t.Fatal(err)
	}
	first := c.Leader(t.Context(), "/", "q")
	if first == nil {
		t.Fatal("the queue has no leader")
	}
	first.Kill()
	eventually(t, func() bool {
		next := c.Leader(t.Context(), "/", "q")
		return next != nil && next != first
	})
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Whole(t.Context()); err != nil {
		t.Fatal(err)
	}
	port := c.Nodes[0].epmd
	c.Kill()
	refused(t, port)
	for _, r := range c.Nodes {
		refused(t, r.opts.Port)
	}
}
