package main

import (
	"context"
	"errors"
	"fmt"

	amqp "github.com/rabbitmq/amqp091-go"
)

// eval runs Erlang in RabbitMQ.
func (r *rig) eval(ctx context.Context, expression string, args ...any) error {
	_, err := r.rabbit.Eval(context.WithoutCancel(ctx), fmt.Sprintf(expression, args...))
	return err
}

// closeConnections does what an operator does: rabbitmqctl close_all_user_connections.
func closeConnections(ctx context.Context, r *rig, _ fault) error {
	return r.eval(ctx, `[catch rabbit_networking:close_connection(P, "torture") || P <- rabbit_networking:connections(),
		[{vhost, <<"%s">>}, {user, <<"casa">>}] =:= (catch rabbit_reader:info(P, [vhost, user]))], ok.`, r.vhost)
}

// deleteQueue deletes the only queue that takes anything, and makes another.
func deleteQueue(ctx context.Context, r *rig, f fault) error {
	if err := r.consumer.unbind(); err != nil {
		return err
	}
	if err := r.consumer.retire(ctx); err != nil {
		return err
	}
	sleep(ctx, f.Hold)
	return r.consumer.bind(true)
}

// unbind leaves the queue, and nothing goes to it.
func unbind(ctx context.Context, r *rig, f fault) error {
	err := r.consumer.unbind()
	sleep(ctx, f.Hold)
	return errors.Join(err, r.consumer.bind(false))
}

// deleteExchange takes the bindings along.
func deleteExchange(ctx context.Context, r *rig, f fault) error {
	err := r.consumer.with(func(ch *amqp.Channel) error { return ch.ExchangeDelete(exchangeName, false, false) })
	sleep(ctx, f.Hold)
	return errors.Join(err, r.consumer.bind(false))
}

// fullQueue has the queue refuse what comes: nacks.
func fullQueue(ctx context.Context, r *rig, f fault) error {
	err := r.eval(ctx, `rabbit_policy:parse_set(<<"%s">>, <<"full">>, <<"^%s$">>, <<"{\"max-length\":1}">>,
		0, <<"queues">>, <<"torture">>).`, r.vhost, queueName)
	sleep(ctx, f.Hold)
	return errors.Join(err, r.eval(ctx, `rabbit_policy:delete(<<"%s">>, <<"full">>, <<"torture">>).`, r.vhost))
}

// revoke takes the gateway's rights. Those of an open channel are remembered by the
// broker, so that its connections are closed, too.
func revoke(ctx context.Context, r *rig, f fault) error {
	pattern := "^$" // neither
	if f.pick(2) == 0 {
		pattern = "^nothing$"
	}
	err := errors.Join(r.eval(ctx, "%s", permit("casa", r.vhost, pattern)), closeConnections(ctx, r, f))
	sleep(ctx, f.Hold)
	return errors.Join(err, r.eval(ctx, "%s", permit("casa", r.vhost, ".*")))
}

// alarm has the broker block who publishes, for want of memory or disk.
func alarm(ctx context.Context, r *rig, f fault) error {
	alarms := [][2]string{
		{"ok = vm_memory_monitor:set_vm_memory_high_watermark(0.00000001).", "ok = vm_memory_monitor:set_vm_memory_high_watermark(0.6)."},
		{`ok = rabbit_disk_monitor:set_disk_free_limit("1000GB").`, "ok = rabbit_disk_monitor:set_disk_free_limit(50000000)."},
	}
	a := alarms[f.pick(2)]
	err := r.eval(ctx, "%s", a[0])
	sleep(ctx, f.Hold)
	return errors.Join(err, r.eval(ctx, "%s", a[1]))
}

// wrongUser changes the password behind the gateway's back, and back again.
func wrongUser(ctx context.Context, r *rig, f fault) error {
	err := r.eval(ctx, `rabbit_auth_backend_internal:change_password(<<"casa">>, <<"another">>, <<"torture">>).`)
	err = errors.Join(err, closeConnections(ctx, r, f))
	sleep(ctx, f.Hold)
	return errors.Join(err, r.eval(ctx, `rabbit_auth_backend_internal:change_password(<<"casa">>, <<"secret">>, <<"torture">>).`))
}
